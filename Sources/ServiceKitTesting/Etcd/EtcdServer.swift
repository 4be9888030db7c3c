import Foundation
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
/// Runs etcd 3.4 and 3.5; Debian's packages are `etcd-server` and `etcd-client`. Members are counted from 0. They keep
/// their ports while they do not run, and nothing else is given those: clients are refused meanwhile. Timing is set for
/// loopback, and the shortest lease lasts one second. Each member takes about 130 MB of disk.
public final class EtcdServer: Sendable {
    /// How long a member may take to start, or to end when told so.
    static let processLimit = Duration.seconds(60)
    /// How long the members may take to agree on a leader.
    private static let electionLimit = Duration.seconds(60)
    /// The time between two looks at a member.
    private static let pollInterval = Duration.milliseconds(20)

    /// The URLs that clients connect to, one for each member in their order, as `http://127.0.0.1:40123`.
    public let endpoints: [String]

    let options: Options
    let programs: EtcdPrograms
    let processes: ProcessGroup
    let members: [EtcdMember]
    /// The password of root, once authentication is enabled.
    let rootPassword = Mutex<String?>(nil)

    /// Whether etcd and etcdctl are installed.
    ///
    /// - Parameter binary: What ``Options/binary`` would be.
    /// - Returns: Whether both are.
    public static func isAvailable(binary: String = "etcd") -> Bool {
        (try? EtcdPrograms(etcd: binary)) != nil
    }

    /// Runs a body while etcd runs.
    ///
    /// The body begins when every member answers. However it ends, all processes are killed and the data is deleted
    /// before this returns; and so they are when this process ends before that, even by SIGKILL.
    /// - Parameters:
    ///   - options: What is run.
    ///   - body: Uses it.
    /// - Returns: What the body returns.
    /// - Throws: What the body throws, or an ``EtcdServerFailure`` when etcd is not installed, does not start or does
    ///   not end.
    public static func withServer<Result: Sendable>(
        _ options: Options = Options(),
        _ body: @Sendable (EtcdServer) async throws -> Result
    ) async throws -> Result {
        let server = try EtcdServer(options)
        let outcome: Swift.Result<Result, any Error>
        do {
            try await server.startAll()
            outcome = .success(try await body(server))
        } catch {
            outcome = .failure(error)
        }
        // Unstructured, to be done when this task is cancelled too. It is awaited, and its waits have limits.
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

    /// Starts a member that has ended, on the same ports and with the data that it had.
    ///
    /// Returns when it has read its data and listens. It serves when a majority of the members run:
    /// ``waitUntilReady(timeout:)``.
    /// - Throws: ``EtcdServerFailure`` when it runs already; and, with the end of etcd's log, when it does not start.
    ///   It does not run then.
    public func start(_ member: Int = 0) async throws {
        let member = try self.member(member)
        try member.start([programs.etcd] + arguments(of: member))
        do {
            _ = try await wait(Self.processLimit, for: "the start of etcd", of: [member]) { await member.election() }
        } catch {
            member.giveUp()
            throw error
        }
    }

    /// Kills a member by SIGKILL, suspended or not, and waits for its end. Its data is kept.
    ///
    /// - Throws: ``EtcdServerFailure`` when it does not run.
    public func kill(_ member: Int = 0) async throws {
        try await self.member(member).kill()
    }

    /// Tells a member to end by SIGTERM, and waits for its end. Its data is kept.
    ///
    /// A leader hands its office over first.
    /// - Throws: ``EtcdServerFailure`` when it does not run or does not end.
    public func terminate(_ member: Int = 0) async throws {
        try await self.member(member).terminate()
    }

    /// Suspends a member by SIGSTOP: its connections stay open and nothing is answered, as if the network were cut.
    ///
    /// - Throws: ``EtcdServerFailure`` when it does not run or is suspended.
    public func suspend(_ member: Int = 0) throws {
        try self.member(member).suspend()
    }

    /// Lets a suspended member go on by SIGCONT.
    ///
    /// - Throws: ``EtcdServerFailure`` when it is not suspended.
    public func resume(_ member: Int = 0) throws {
        try self.member(member).resume()
    }

    /// Deletes the data of a member that has ended, so that it starts with none.
    ///
    /// A single member then starts as a new cluster: revisions begin at 1 again, and nobody knows any lease. Of several
    /// members all have to be wiped before one is started again. etcd refuses the start of a member whose cluster still
    /// knows it.
    /// - Throws: ``EtcdServerFailure`` when it still runs.
    public func wipe(_ member: Int = 0) throws {
        try self.member(member).wipe()
    }

    // MARK: - Waiting

    /// Waits until every member that runs and is not suspended answers requests, which takes a majority of them all.
    ///
    /// - Throws: ``EtcdServerFailure`` with the ends of the logs when they do not answer in time or one of them ends;
    ///   also when none runs.
    public func waitUntilReady(timeout: Duration = .seconds(60)) async throws {
        let running = try runningMembers()
        try await wait(timeout, for: "answers from etcd", of: running) { () -> Void? in
            for member in running where await !member.isReady() { return nil }
            return ()
        }
    }

    /// The member that leads. Waits until exactly one says so, and every other that runs knows of a leader.
    ///
    /// - Throws: ``EtcdServerFailure`` with the ends of the logs when they do not agree in time.
    public func leader() async throws -> Int {
        let running = try runningMembers()
        return try await wait(Self.electionLimit, for: "a leader", of: running) {
            var leaders: [Int] = []
            for member in running {
                guard let election = await member.election(), election.hasLeader else { return nil }
                if election.isLeader { leaders.append(member.index) }
            }
            return leaders.count == 1 ? leaders.first : nil
        }
    }

    // MARK: - Members

    /// Those that run and are not suspended.
    func runningMembers() throws -> [EtcdMember] {
        let running = members.filter(\.isRunning)
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
        // One after the other: a member asks the others first, and waits for two seconds for one that starts itself.
        for member in members { try await start(member.index) }
        try await waitUntilReady()
    }

    /// Asks until there is an answer. Fails at once when one of the members ends.
    private func wait<Answer>(
        _ limit: Duration,
        for what: String,
        of members: [EtcdMember],
        _ ask: () async -> Answer?
    ) async throws -> Answer {
        let deadline = ContinuousClock.now + limit
        while true {
            if let answer = await ask() { return answer }
            try Task.checkCancellation()
            for member in members {
                if let exit = member.unexpectedExit {
                    throw EtcdServerFailure("waited for \(what): \(member) ended with \(exit)\n\(member.logTail())")
                }
            }
            if ContinuousClock.now >= deadline {
                let logs = members.map { $0.logTail() }.joined(separator: "\n")
                throw EtcdServerFailure("waited \(limit) for \(what)\n\(logs)")
            }
            try await Task.sleep(for: Self.pollInterval)
        }
    }

    // MARK: - Arguments

    private func arguments(of member: EtcdMember) -> [String] {
        // A single member has nobody to wait for. Several have to stay in office on a machine that is busy.
        let (heartbeat, election) = members.count == 1 ? (10, 50) : (50, 500)
        var arguments = [
            "--name=\(member.name)",
            "--data-dir=\(member.dataDirectory)",
            "--listen-client-urls=\(endpoints[member.index])",
            "--advertise-client-urls=\(endpoints[member.index])",
            "--listen-peer-urls=\(member.peerURL)",
            "--initial-advertise-peer-urls=\(member.peerURL)",
            // In plain text, whatever clients have to show on their port.
            "--listen-metrics-urls=http://127.0.0.1:\(member.statusPort.number)",
            "--initial-cluster=" + members.map { "\($0.name)=\($0.peerURL)" }.joined(separator: ","),
            "--initial-cluster-token=\(processes.directory)",
            "--heartbeat-interval=\(heartbeat)",
            "--election-timeout=\(election)",
            // The cheapest there is: a test has no secrets, and the default takes 60 ms for each password.
            "--bcrypt-cost=4",
            "--logger=zap",
            "--log-outputs=stderr",
            "--log-level=error",
        ]
        if let tls = options.tls {
            arguments += ["--cert-file=\(tls.certificate)", "--key-file=\(tls.key)"]
            // To name the authorities alone makes etcd demand certificates of clients, too.
            if tls.requiresClientCertificate {
                arguments += ["--client-cert-auth", "--trusted-ca-file=\(tls.trustedCA)"]
            }
        }
        if let authToken = options.authToken { arguments.append("--auth-token=\(authToken)") }
        return arguments + options.extraArguments
    }
}
