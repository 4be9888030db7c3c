/// A member of an ``EtcdServer``: its ports, its data, and its process.
struct EtcdMember: Sendable {
    /// A member's knowledge of the leader.
    struct Election {
        var hasLeader: Bool
        var isLeader: Bool
    }

    let index: Int
    let name: String
    let dataDirectory: String
    let clientPort: ReservedPort
    let statusPort: ReservedPort
    let process: ServerProcess

    private let peerPort: ReservedPort

    init(_ index: Int, in group: ProcessGroup) throws {
        self.index = index
        name = "member-\(index)"
        dataDirectory = "\(group.directory)/\(name)"
        clientPort = try ReservedPort()
        peerPort = try ReservedPort()
        statusPort = try ReservedPort()
        process = ServerProcess("etcd member \(index) (127.0.0.1:\(clientPort.number))", log: name, in: group)
    }

    var peerURL: String { "http://127.0.0.1:\(peerPort.number)" }

    /// Whether the member answers clients' requests: asks for a read that a majority has to agree to.
    func isReady() async -> Bool {
        // A member without a leader that is asked for its health fills its log with warnings.
        guard await election()?.hasLeader == true else { return false }
        return await LoopbackHTTP.get("/health", port: statusPort.number)?.status == 200
    }

    /// The member's knowledge of the leader; `nil` when it does not answer.
    func election() async -> Election? {
        guard let metrics = await LoopbackHTTP.get("/metrics", port: statusPort.number), metrics.status == 200 else {
            return nil
        }
        return Election(
            hasLeader: metrics.body.contains("\netcd_server_has_leader 1\n"),
            isLeader: metrics.body.contains("\netcd_server_is_leader 1\n")
        )
    }
}
