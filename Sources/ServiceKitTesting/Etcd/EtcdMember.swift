import Foundation
import Synchronization

/// A member of an ``EtcdServer``: its ports, its data, and its process if there is one.
final class EtcdMember: Sendable, CustomStringConvertible {
    /// A member's knowledge of the leader.
    struct Election {
        var hasLeader: Bool
        var isLeader: Bool
    }

    private enum State {
        case stopped
        case running(ChildProcess)
        case suspended(ChildProcess)
    }

    /// The number of bytes of the log that a failure shows.
    private static let shownLog = 4_096

    let index: Int
    let name: String
    let dataDirectory: String
    let clientPort: ReservedPort
    let statusPort: ReservedPort

    private let peerPort: ReservedPort
    private let log: String
    private let group: ProcessGroup
    private let state = Mutex(State.stopped)

    init(_ index: Int, in group: ProcessGroup) throws {
        self.index = index
        self.group = group
        name = "member-\(index)"
        dataDirectory = "\(group.directory)/\(name)"
        log = "\(group.directory)/\(name).log"
        clientPort = try ReservedPort()
        peerPort = try ReservedPort()
        statusPort = try ReservedPort()
    }

    var description: String { "etcd member \(index) (127.0.0.1:\(clientPort.number))" }

    var peerURL: String { "http://127.0.0.1:\(peerPort.number)" }

    // MARK: - The process

    /// Whether the member has been started and is not suspended.
    var isRunning: Bool {
        state.withLock { state in
            if case .running = state { true } else { false }
        }
    }

    /// The exit of the process, if it ended by itself.
    var unexpectedExit: ChildProcess.Exit? {
        state.withLock { state in
            switch state {
            case .running(let process), .suspended(let process): process.exit
            case .stopped: nil
            }
        }
    }

    func start(_ arguments: [String]) throws {
        try state.withLock { state in
            switch state {
            case .running(let process) where process.exit == nil, .suspended(let process) where process.exit == nil:
                throw EtcdServerFailure("cannot start \(self): it runs")
            case .running, .suspended, .stopped:
                state = .running(try group.spawn(arguments, output: log, errors: log))
            }
        }
    }

    func kill() async throws {
        let process: ChildProcess? = state.withLock { state in
            switch state {
            case .running(let process), .suspended(let process): process
            case .stopped: nil
            }
        }
        guard let process else { throw EtcdServerFailure("cannot kill \(self): it does not run") }
        try await end(process, by: SIGKILL)
    }

    func terminate() async throws {
        let process: ChildProcess? = state.withLock { state in
            // A suspended process would not notice the signal.
            if case .running(let process) = state { process } else { nil }
        }
        guard let process else { throw EtcdServerFailure("cannot terminate \(self): it does not run, or is suspended") }
        try await end(process, by: SIGTERM)
    }

    /// Ends an attempt to start the member.
    func giveUp() {
        state.withLock { state in
            if case .running(let process) = state { process.send(SIGKILL) }
            state = .stopped
        }
    }

    func suspend() throws {
        try state.withLock { state in
            guard case .running(let process) = state, process.suspend() else {
                throw EtcdServerFailure("cannot suspend \(self): it does not run, or is suspended")
            }
            state = .suspended(process)
        }
    }

    func resume() throws {
        try state.withLock { state in
            guard case .suspended(let process) = state, process.send(SIGCONT) else {
                throw EtcdServerFailure("cannot resume \(self): it is not suspended")
            }
            state = .running(process)
        }
    }

    func wipe() throws {
        try state.withLock { state in
            guard case .stopped = state else {
                throw EtcdServerFailure("cannot delete the data of \(self): it runs; kill it before")
            }
            if FileManager.default.fileExists(atPath: dataDirectory) {
                try FileManager.default.removeItem(atPath: dataDirectory)
            }
        }
    }

    private func end(_ process: ChildProcess, by signal: CInt) async throws {
        process.send(signal)
        guard await process.exit(within: EtcdServer.processLimit) != nil else {
            try Task.checkCancellation()
            throw EtcdServerFailure("\(self) has not ended within \(EtcdServer.processLimit)\n\(logTail())")
        }
        state.withLock { state in
            switch state {
            case .running(process), .suspended(process): state = .stopped
            // Another call was first.
            case .running, .suspended, .stopped: break
            }
        }
    }

    // MARK: - The member's answers

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

    func logTail() -> String {
        let bytes = FileManager.default.contents(atPath: log) ?? Data()
        let text = String(decoding: bytes.suffix(Self.shownLog), as: UTF8.self)
        return "log of \(self): " + (text.isEmpty ? "empty" : "…\n\(text)")
    }
}
