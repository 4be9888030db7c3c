import Foundation
import Synchronization

/// A program that runs beside a test.
///
/// It is started by `posix_spawn`. Foundation's `Process` learns of the end from a socket that children started at the
/// same time inherit, and so at times only when they have ended too.
final class ChildProcess: Sendable {
    /// How a program ended.
    struct Exit: Sendable {
        /// Its exit code; 128 and the signal's number more if one killed it.
        var status: Int32
        /// What it wrote, to either output.
        var output: String
    }

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    private let pid: pid_t
    /// This side's end of the program's input and outputs.
    private let socket: Int32
    private let hasEnded = Mutex(false)
    private let chunks: AsyncStream<[UInt8]>
    private let status = Mutex<Int32>(0)
    private let output = Mutex<[UInt8]>([])

    /// The path of a program that is installed.
    static func path(of program: String) -> String? {
        let directories = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
        return directories.map { "\($0)/\(program)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// Runs a program to its end.
    static func run(_ path: String, _ arguments: [String]) async throws -> Exit {
        let process = try ChildProcess(path, arguments)
        return try await process.untilExit()
    }

    /// Starts a program.
    init(_ path: String, _ arguments: [String]) throws {
        // Not for other programs that are started at the same time: they would keep it open.
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw Failure(description: "no more sockets") }
        defer { close(ends[1]) }
        self.socket = ends[0]
        self.pid = try Self.spawn([path] + arguments, descriptor: ends[1])
        let (chunks, chunk) = AsyncStream.makeStream(of: [UInt8].self)
        self.chunks = chunks
        Thread.detachNewThread {
            self.read(into: chunk)
            self.reap()
            chunk.finish()
        }
    }

    deinit {
        close(self.socket)
    }

    private static func spawn(_ arguments: [String], descriptor: Int32) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for standard in 0..<Int32(3) {
            posix_spawn_file_actions_adddup2(&actions, descriptor, standard)
        }
        // NIO's sockets are not closed by `exec`: a peer would not see their end before that of the program. What is closed
        // by now does no harm.
        let open = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        for inherited in open.compactMap({ Int32($0) }) where inherited > 2 {
            posix_spawn_file_actions_addclose(&actions, inherited)
        }
        let argv = arguments.map { strdup($0) } + [nil]
        let envp = ProcessInfo.processInfo.environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid: pid_t = 0
        let result = posix_spawn(&pid, arguments[0], &actions, nil, argv, envp)
        guard result == 0 else {
            throw Failure(description: "cannot start \(arguments[0]): \(String(cString: strerror(result)))")
        }
        return pid
    }

    private func read(into chunk: AsyncStream<[UInt8]>.Continuation) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(self.socket, &buffer, buffer.count, 0)
            if count == -1, errno == EINTR { continue }
            if count <= 0 { return }
            chunk.yield(Array(buffer[..<count]))
        }
    }

    private func reap() {
        // Its number belongs to it until it is waited for, and is not to be signalled from then on.
        var info = siginfo_t()
        while waitid(P_PID, id_t(self.pid), &info, WEXITED | WNOWAIT) == -1, errno == EINTR {}
        self.hasEnded.withLock { hasEnded in
            var status: Int32 = 0
            waitpid(self.pid, &status, 0)
            let signal = status & 0x7f
            self.status.withLock { $0 = signal == 0 ? status >> 8 & 0xff : 128 + signal }
            hasEnded = true
        }
    }

    private func kill() {
        self.hasEnded.withLock { hasEnded in
            if !hasEnded { _ = Foundation.kill(self.pid, SIGKILL) }
        }
    }

    /// The first line that it writes. What else comes with it is kept for ``untilExit()``.
    func firstLine() async -> String {
        for await chunk in self.chunks {
            let output = self.output.withLock { output in
                output += chunk
                return output
            }
            if let end = output.firstIndex(of: UInt8(ascii: "\n")) {
                return String(decoding: output[..<end], as: UTF8.self)
            }
        }
        return ""
    }

    /// Ends its input, upon which most programs end.
    func closeInput() {
        shutdown(self.socket, Int32(SHUT_WR))
    }

    /// Waits for its end. It is killed if the task is cancelled.
    func untilExit() async throws -> Exit {
        await withTaskCancellationHandler {
            for await chunk in self.chunks {
                self.output.withLock { $0 += chunk }
            }
        } onCancel: {
            self.kill()
        }
        let text = String(decoding: self.output.withLock { $0 }, as: UTF8.self)
        guard !Task.isCancelled else {
            throw Failure(description: "it had not ended when the test was; so far it wrote:\n\(text)")
        }
        return Exit(status: self.status.withLock { $0 }, output: text)
    }
}
