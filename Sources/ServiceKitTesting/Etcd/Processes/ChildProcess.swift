import Foundation
import ServiceKit
import Synchronization

/// A program that runs beside this one.
///
/// It is started by `posix_spawn`. Foundation's `Process` learns of the end from a socket that children started at the
/// same time inherit, and so at times only when they have ended too.
final class ChildProcess: Sendable, Equatable {
    /// How a program ended.
    enum Exit: Hashable, CustomStringConvertible {
        case code(CInt)
        case signal(CInt)

        fileprivate init(status: CInt) {
            let signal = status & 0x7f
            self = signal == 0 ? .code(status >> 8 & 0xff) : .signal(signal)
        }

        var description: String {
            switch self {
            case .code(let code): "exit code \(code)"
            case .signal(let signal): "signal \(signal)"
            }
        }
    }

    let id: pid_t
    private let isReaped = Mutex(false)
    private let ending = Watched<Exit?>(nil)

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - arguments: The program's path, and its arguments.
    ///   - environment: Its variables.
    ///   - input: The file that it reads.
    ///   - output: The file that it appends to.
    ///   - errors: The file that it appends error messages to.
    ///   - group: The process group that it joins; 0 for one of its own.
    /// - Throws: ``EtcdServerFailure`` when the system refuses.
    init(
        _ arguments: [String],
        environment: [String: String],
        input: String = "/dev/null",
        output: String,
        errors: String,
        group: pid_t
    ) throws {
        id = try Self.spawn(arguments, environment, input: input, output: output, errors: errors, group: group)
        Thread.detachNewThread { self.reap() }
    }

    /// Two are the same when their processes are.
    static func == (left: ChildProcess, right: ChildProcess) -> Bool { left === right }

    /// How it ended; `nil` while it runs.
    var exit: Exit? { ending.value }

    /// Waits for its end.
    ///
    /// - Returns: How it ended; `nil` when it has not within the limit, or the task was cancelled.
    func exit(within limit: Duration) async -> Exit? {
        await withTaskGroup(of: Exit?.self) { [ending] group in
            group.addTask { await ending.first { $0 != nil } ?? nil }
            group.addTask {
                try? await Task.sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }

    /// Sends a signal.
    ///
    /// - Returns: Whether there still was a process to send it to.
    @discardableResult
    func send(_ signal: CInt) -> Bool {
        // The number may be another's once the process is reaped.
        isReaped.withLock { isReaped in !isReaped && kill(id, signal) == 0 }
    }

    private func reap() {
        var info = siginfo_t()
        while waitid(P_PID, id_t(id), &info, WEXITED | WNOWAIT) == -1, errno == EINTR {}
        var status: CInt = 0
        isReaped.withLock { isReaped in
            while waitpid(id, &status, 0) == -1, errno == EINTR {}
            isReaped = true
        }
        ending.set(Exit(status: status))
    }

    private static func spawn(
        _ arguments: [String],
        _ environment: [String: String],
        input: String,
        output: String,
        errors: String,
        group: pid_t
    ) throws -> pid_t {
        #if canImport(Darwin)
        var actions: posix_spawn_file_actions_t?
        var attributes: posix_spawnattr_t?
        #else
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        #endif
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o600)

        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // What this process ignores or blocks would stay so in the other.
        var (all, none) = (sigset_t(), sigset_t())
        sigfillset(&all)
        for unchangeable in [SIGKILL, SIGSTOP] { sigdelset(&all, unchangeable) }
        sigemptyset(&none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, group)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
        posix_spawnattr_setflags(&attributes, Int16(flags))

        let argv = arguments.map { strdup($0) } + [nil]
        let envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var id: pid_t = 0
        let result = posix_spawn(&id, arguments[0], &actions, &attributes, argv, envp)
        guard result == 0 else {
            throw EtcdServerFailure("cannot start \(arguments[0]): \(String(cString: strerror(result)))")
        }
        return id
    }
}
