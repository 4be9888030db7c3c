package import Foundation
import ServiceKit
import Synchronization

/// A program that runs beside this one.
///
/// It is started by `posix_spawn`. Foundation's `Process` learns of the end from a socket that children started at the
/// same time inherit, and so at times only when they have ended too.
package final class ChildProcess: Sendable, Equatable {
    /// How a program ended.
    package enum Exit: Hashable, Sendable, CustomStringConvertible {
        case exited(CInt)
        case signaled(CInt)

        fileprivate init(status: CInt) {
            let signal = status & 0x7f
            self = signal == 0 ? .exited(status >> 8 & 0xff) : .signaled(signal)
        }

        package var description: String {
            switch self {
            case .exited(let code): "exit code \(code)"
            case .signaled(let signal): "signal \(signal)"
            }
        }
    }

    /// What a program reads from, or writes to.
    package enum Stream: Sendable {
        /// A file; what is written is appended.
        case file(String)
        /// A descriptor that is open here.
        case descriptor(CInt)
    }

    package let id: pid_t
    private let isReaped = Mutex(false)
    private let ending = Watched<Exit?>(nil)

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - arguments: The program's path, and its arguments.
    ///   - environment: Its variables.
    ///   - input: What it reads.
    ///   - output: Where its output goes.
    ///   - errors: Where its error messages go.
    ///   - group: The process group that it joins; 0 for one of its own.
    /// - Throws: ``EtcdServerFailure`` when the system refuses.
    package init(
        _ arguments: [String],
        environment: [String: String],
        input: Stream = .file("/dev/null"),
        output: Stream,
        errors: Stream,
        group: pid_t
    ) throws {
        id = try Self.spawn(arguments, environment, input: input, output: output, errors: errors, group: group)
        Thread.detachNewThread { self.reap() }
    }

    /// Two are the same when their processes are.
    package static func == (left: ChildProcess, right: ChildProcess) -> Bool { left === right }

    /// How it ended; `nil` while it runs.
    package var exit: Exit? { ending.value }

    /// Waits for its end.
    ///
    /// - Returns: How it ended; `nil` when the task was cancelled.
    package func untilExit() async -> Exit? {
        await ending.first { $0 != nil } ?? nil
    }

    /// Waits for its end.
    ///
    /// - Returns: How it ended; `nil` when it has not within the limit, or the task was cancelled.
    func exit(within limit: Duration) async -> Exit? {
        await withTaskGroup(of: Exit?.self) { group in
            group.addTask { await self.untilExit() }
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
    package func send(_ signal: CInt) -> Bool {
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
        input: Stream,
        output: Stream,
        errors: Stream,
        group: pid_t
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (standard, stream) in [input, output, errors].enumerated() {
            let flags = standard == 0 ? O_RDONLY : O_WRONLY | O_CREAT | O_APPEND
            switch stream {
            case .file(let path): posix_spawn_file_actions_addopen(&actions, CInt(standard), path, flags, 0o600)
            case .descriptor(let open): posix_spawn_file_actions_adddup2(&actions, open, CInt(standard))
            }
        }
        // SwiftNIO's sockets are not closed by `exec`: a peer would not see their end before that of the program. What is
        // closed by now does no harm.
        let open = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        for inherited in open.compactMap({ CInt($0) }) where inherited > 2 {
            posix_spawn_file_actions_addclose(&actions, inherited)
        }

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
