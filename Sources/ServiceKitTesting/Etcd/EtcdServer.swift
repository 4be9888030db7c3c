import Foundation
import ServiceKitConcurrency
import Synchronization

/// One etcd member, or a cluster of them: real processes on loopback, with their data in a temporary directory.
///
/// ```swift
/// @Test(.enabled(if: EtcdServer.isAvailable()))
/// func survivesARestart() async throws {
///     try await EtcdServer.withServer { etcd in
///         let client = Client(endpoints: etcd.endpoints)
///         try await etcd.kill()
///         try await etcd.start()
///         try await etcd.waitUntilReady()
///     }
/// }
/// ```
///
/// Runs etcd 3.4 and 3.5; Debian's packages are `etcd-server` and `etcd-client`. Members are counted from 0. A member
/// that does not run keeps its ports: no other program gets them, so clients are refused. The timing suits loopback,
/// and the shortest lease lasts one second. Each member takes about 130 MB of disk.
public final class EtcdServer: Sendable {
    private static let electionLimit = Duration.seconds(60)

    /// The clients' URLs, one for each member in order, such as `http://127.0.0.1:40123`.
    public let endpoints: [String]

    let options: Options
    let programs: EtcdPrograms
    let processes: ProcessGroup
    let members: [EtcdMember]
    /// The password of root; `nil` before authentication is enabled.
    let rootPassword = Mutex<String?>(nil)

    /// Whether etcd and etcdctl are installed, for a value of ``Options/binary``.
    public static func isAvailable(binary: String = "etcd") -> Bool {
        (try? EtcdPrograms(etcd: binary)) != nil
    }

    /// Runs a body while etcd runs.
    ///
    /// The body begins when every member answers. After it, also after an error, all processes are killed and the data
    /// is deleted before this returns. The same happens when this process ends earlier, even by SIGKILL.
    /// - Parameters:
    ///   - options: The cluster's options.
    ///   - body: The test.
    /// - Returns: The body's result.
    /// - Throws: Any error of the body; ``EtcdServerFailure`` when etcd is not installed, does not start or does not
    ///   end.
    public static func withServer<Result: Sendable>(
        _ options: Options = Options(),
        _ body: @Sendable (EtcdServer) async throws -> Result
    ) async throws -> Result {
        let server = try EtcdServer(options)
        let outcome = await Swift.Result<Result, any Error>(catching: {
            try await server.startAll()
            return try await body(server)
        })
        // Unstructured, so that it runs when this task is cancelled too. It is awaited, and its waits have limits.
        let end = await Task { try await server.processes.end() }.result
        let result = try outcome.get()
        try end.get()
        return result
    }

    private init(_ options: Options) throws {
        guard options.members >= 1 else {
            throw EtcdServerFailure("\(options.members) etcd members were asked for; ask for 1 or 3")
        }
        self.options = options
        programs = try EtcdPrograms(etcd: options.binary)
        processes = try ProcessGroup(named: "etcd")
        members = try (0..<options.members).map { [processes] in try EtcdMember($0, in: processes) }
        let scheme = options.tls == nil ? "http" : "https"
        endpoints = members.map { "\(scheme)://127.0.0.1:\($0.clientPort.number)" }
    }

    // MARK: - Starting and ending

    /// Starts an ended member again, with its ports and its data.
    ///
    /// Returns when the member has read its data and listens. It serves when a majority of the members run; see
    /// ``waitUntilReady(timeout:)``.
    /// - Throws: ``EtcdServerFailure`` when the member runs already. Also when it does not start: then with the end of
    ///   etcd's log, and the member does not run.
    public func start(_ member: Int = 0) async throws {
        let member = try self.member(member)
        try await member.process.start([programs.etcd] + arguments(of: member)) { await member.election() != nil }
    }

    /// Kills a member with SIGKILL, suspended or not, and waits for its end. Its data stays.
    ///
    /// - Throws: ``EtcdServerFailure`` when it does not run.
    public func kill(_ member: Int = 0) async throws {
        try await self.member(member).process.kill()
    }

    /// Suspends a member with SIGSTOP: its connections stay open without an answer, as if the network were cut.
    ///
    /// - Throws: ``EtcdServerFailure`` when it does not run or is suspended.
    public func suspend(_ member: Int = 0) throws {
        try self.member(member).process.suspend()
    }

    /// Resumes a suspended member with SIGCONT.
    ///
    /// - Throws: ``EtcdServerFailure`` when it is not suspended.
    public func resume(_ member: Int = 0) throws {
        try self.member(member).process.resume()
    }

    /// Deletes the data of an ended member, so that it starts empty.
    ///
    /// A single member then starts as a new cluster: revisions begin at 1 again, and all leases are unknown. In a
    /// cluster, wipe all members before you start one again: etcd does not start a member that its cluster still knows.
    /// - Throws: ``EtcdServerFailure`` when the member still runs.
    public func wipe(_ member: Int = 0) throws {
        let member = try self.member(member)
        guard member.process.isStopped else {
            throw EtcdServerFailure("cannot delete the data of \(member.process): it runs; kill it before")
        }
        if FileManager.default.fileExists(atPath: member.dataDirectory) {
            try FileManager.default.removeItem(atPath: member.dataDirectory)
        }
    }

    // MARK: - Waiting

    /// Waits until every running member that is not suspended answers requests. This takes a majority of all members.
    ///
    /// - Throws: ``EtcdServerFailure`` with the ends of the logs when the members do not answer in time, one of them
    ///   ends, or no member runs.
    public func waitUntilReady(timeout: Duration = .seconds(60)) async throws {
        let running = try runningMembers()
        try await ServerProcess.wait(timeout, for: "answers from etcd", of: running.map(\.process)) { () -> Void? in
            for member in running where await !member.isReady() { return nil }
            return ()
        }
    }

    /// The leader. Waits until exactly one member says that it leads, and every other running member knows a leader.
    ///
    /// - Throws: ``EtcdServerFailure`` with the ends of the logs when the members do not agree in time.
    public func leader() async throws -> Int {
        let running = try runningMembers()
        return try await ServerProcess.wait(Self.electionLimit, for: "a leader", of: running.map(\.process)) {
            var leaders: [Int] = []
            for member in running {
                guard let election = await member.election(), election.hasLeader else { return nil }
                if election.isLeader { leaders.append(member.index) }
            }
            return leaders.count == 1 ? leaders.first : nil
        }
    }

    // MARK: - Members

    /// The members that run and are not suspended.
    func runningMembers() throws -> [EtcdMember] {
        let running = members.filter(\.process.isRunning)
        guard !running.isEmpty else { throw EtcdServerFailure("no etcd member runs; start one") }
        return running
    }

    func member(_ index: Int) throws -> EtcdMember {
        guard members.indices.contains(index) else {
            throw EtcdServerFailure("there is no etcd member \(index); the last is \(members.count - 1)")
        }
        return members[index]
    }

    private func startAll() async throws {
        // One after the other: a member first asks the others, and waits two seconds for a member that is starting.
        for member in members { try await start(member.index) }
        try await waitUntilReady()
    }

    // MARK: - Arguments

    private func arguments(of member: EtcdMember) -> [String] {
        // A single member waits for no other. Several must keep their leader on a busy machine.
        let (heartbeat, election) = members.count == 1 ? (10, 50) : (50, 500)
        var arguments = [
            "--name=\(member.name)",
            "--data-dir=\(member.dataDirectory)",
            "--listen-client-urls=\(endpoints[member.index])",
            "--advertise-client-urls=\(endpoints[member.index])",
            "--listen-peer-urls=\(member.peerURL)",
            "--initial-advertise-peer-urls=\(member.peerURL)",
            // In plain text, so that no client certificate is needed.
            "--listen-metrics-urls=http://127.0.0.1:\(member.statusPort.number)",
            "--initial-cluster=" + members.map { "\($0.name)=\($0.peerURL)" }.joined(separator: ","),
            "--initial-cluster-token=\(processes.directory)",
            "--heartbeat-interval=\(heartbeat)",
            "--election-timeout=\(election)",
            // The cheapest cost: a test has no secrets, and the default takes 60 ms for each password.
            "--bcrypt-cost=4",
            "--logger=zap",
            "--log-outputs=stderr",
            "--log-level=error",
        ]
        if let tls = options.tls {
            arguments += ["--cert-file=\(tls.certificate)", "--key-file=\(tls.key)"]
            // With the authorities alone, etcd would demand certificates of clients too.
            if tls.requiresClientCertificate {
                arguments += ["--client-cert-auth", "--trusted-ca-file=\(tls.trustedCA)"]
            }
        }
        if let authToken = options.authToken { arguments.append("--auth-token=\(authToken)") }
        return arguments + options.extraArguments
    }
}
