package import Foundation
import ServiceKit
import ServiceKitConcurrency
import Synchronization

/// A program that runs beside this process.
///
/// It is started with `posix_spawn`. Foundation's `Process` learns of the end from a socket, which children that start
/// at the same time inherit. So it sometimes learns of the end only when those have ended too.
package final class ChildProcess: Sendable, Equatable {
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

    /// The source of a program's input, or the target of its output.
    package enum Stream: Sendable {
        /// A file. Output is appended.
        case file(String)
        /// An open descriptor of this process.
        case descriptor(CInt)
    }

    package let id: pid_t
    private let isReaped = Mutex(false)
    private let ending = Watched<Exit?>(nil)

    /// Starts a program, given by its path and its arguments, in a process group; group 0 is one of its own. Throws
    /// ``EtcdServerFailure`` when the system refuses.
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

    /// Two values are equal when they are the same process.
    package static func == (left: ChildProcess, right: ChildProcess) -> Bool { left === right }

    /// The program's end; `nil` while it runs.
    package var exit: Exit? { ending.value }

    /// Waits for the program's end; `nil` when the task was cancelled.
    package func untilExit() async -> Exit? {
        await ending.first { $0 != nil } ?? nil
    }

    /// Waits for the program's end; `nil` when the limit is over, or the task was cancelled.
    package func exit(within limit: Duration) async -> Exit? {
        try? await withDeadline(.now + limit, onExpiry: CancellationError()) { await self.untilExit() }
    }

    /// Sends a signal. Returns whether the process still existed.
    @discardableResult
    package func send(_ signal: CInt) -> Bool {
        // Once the process is reaped, another process may get its number.
        isReaped.withLock { isReaped in !isReaped && kill(id, signal) == 0 }
    }

    /// Suspends the process with SIGSTOP, and waits until none of its threads runs: a thread on another core goes on
    /// for a moment. Returns whether the process still existed.
    package func suspend() -> Bool {
        guard send(SIGSTOP) else { return false }
        var info = siginfo_t()
        while waitid(P_PID, id_t(id), &info, WSTOPPED | WNOWAIT) == -1, errno == EINTR {}
        return true
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
        // Closes all other descriptors: `exec` does not close SwiftNIO's sockets, and a peer would see their end only
        // with that of the program. Descriptors that are closed by now do no harm.
        let open = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        for inherited in open.compactMap({ CInt($0) }) where inherited > 2 {
            posix_spawn_file_actions_addclose(&actions, inherited)
        }

        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Resets the signals: the program would inherit those that this process ignores or blocks.
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
