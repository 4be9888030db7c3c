import Foundation
import Synchronization

/// A server that is started, suspended and killed on demand. Its output is appended to a log.
final class ServerProcess: Sendable, CustomStringConvertible {
    private enum State {
        case stopped
        case running(ChildProcess)
        case suspended(ChildProcess)

        var process: ChildProcess? {
            switch self {
            case .running(let process), .suspended(let process): process
            case .stopped: nil
            }
        }
    }

    /// The time limit for the start of the server, and for its end by a signal.
    private static let limit = Duration.seconds(60)
    /// The time between two checks of a server.
    private static let pollInterval = Duration.milliseconds(20)
    /// The number of bytes of the log that a failure shows.
    private static let shownLog = 4_096

    /// The name of the server in failures.
    let description: String

    private let log: String
    private let group: ProcessGroup
    private let state = Mutex(State.stopped)

    /// - Parameters:
    ///   - description: The name of the server in failures.
    ///   - name: The name of the log's file, without its extension.
    ///   - group: The processes that end together.
    init(_ description: String, log name: String, in group: ProcessGroup) {
        self.description = description
        self.group = group
        log = "\(group.directory)/\(name).log"
    }

    /// Whether the server has been started and is not suspended.
    var isRunning: Bool {
        state.withLock { state in
            if case .running = state { true } else { false }
        }
    }

    var isStopped: Bool { state.withLock { $0.process == nil } }

    // MARK: - Changes

    /// Starts the program, given by its path and its arguments, and returns when it is up. Throws ``EtcdServerFailure``
    /// when the server runs already, or is not up in time; then it does not run.
    func start(_ arguments: [String], untilUp isUp: () async -> Bool) async throws {
        try state.withLock { state in
            if let process = state.process, process.exit == nil {
                throw EtcdServerFailure("cannot start \(self): it runs")
            }
            state = .running(try group.spawn(arguments, output: log, errors: log))
        }
        do {
            try await Self.wait(Self.limit, for: "the start of \(self)", of: [self]) { await isUp() ? () : nil }
        } catch {
            state.withLock { state in
                state.process?.send(SIGKILL)
                state = .stopped
            }
            throw error
        }
    }

    /// Kills the server with SIGKILL, suspended or not, and waits for its end.
    func kill() async throws {
        guard let process = state.withLock(\.process) else {
            throw EtcdServerFailure("cannot kill \(self): it does not run")
        }
        process.send(SIGKILL)
        guard await process.exit(within: Self.limit) != nil else {
            try Task.checkCancellation()
            throw EtcdServerFailure("\(self) has not ended within \(Self.limit)\n\(logTail)")
        }
        state.withLock { state in
            // Otherwise another call was first.
            if state.process == process { state = .stopped }
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

    // MARK: - Waiting

    /// Asks until there is an answer. Fails at once when a server ends.
    @discardableResult
    static func wait<Answer>(
        _ limit: Duration,
        for what: String,
        of servers: [ServerProcess],
        _ ask: () async -> Answer?
    ) async throws -> Answer {
        let deadline = ContinuousClock.now + limit
        while true {
            if let answer = await ask() { return answer }
            try Task.checkCancellation()
            for server in servers {
                if let exit = server.state.withLock(\.process)?.exit {
                    throw EtcdServerFailure("waited for \(what): \(server) ended with \(exit)\n\(server.logTail)")
                }
            }
            if ContinuousClock.now >= deadline {
                throw EtcdServerFailure(
                    "waited \(limit) for \(what)\n\(servers.map(\.logTail).joined(separator: "\n"))")
            }
            try await Task.sleep(for: pollInterval)
        }
    }

    private var logTail: String {
        let bytes = FileManager.default.contents(atPath: log) ?? Data()
        let text = String(decoding: bytes.suffix(Self.shownLog), as: UTF8.self)
        return "log of \(self): " + (text.isEmpty ? "empty" : "…\n\(text)")
    }
}
