import Foundation
import ServiceKit
import Testing

/// A `kit registry` that runs; it is killed when the test drops it.
final class RegistryProcess: Sendable {
    private struct State {
        var output = ""
        var isAtEnd = false
        var status: Int32?
    }

    /// What a command that has ended said.
    struct Outcome: Sendable {
        let code: Int32
        let output: String
        let errors: String
    }

    private let pid: pid_t
    private let state = Watched(State())
    private let errors: URL

    /// The command as it was built with the tests.
    private static var executable: URL {
        let bundle =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
            .map { URL(filePath: $0) } ?? Bundle.main.bundleURL
        return bundle.deletingLastPathComponent().appending(path: "kit")
    }

    /// Starts `kit registry` with arguments.
    init(_ arguments: [String]) throws {
        let temporary = FileManager.default.temporaryDirectory
        errors = temporary.appending(path: "kit-errors-\(UUID().uuidString)")
        let log = errors.path(percentEncoded: false)
        // Not for other processes that are started at the same time: they would keep it open.
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw POSIXError(.EMFILE) }
        let (reader, writer) = (ends[0], ends[1])
        defer { close(writer) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, writer, 1)
        posix_spawn_file_actions_addopen(&actions, 2, log, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        let program = Self.executable.path(percentEncoded: false)
        let environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("KIT_") }
        let argv = ([program, "registry"] + arguments).map { strdup($0) } + [nil]
        let envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid: pid_t = 0
        let result = posix_spawn(&pid, program, &actions, nil, argv, envp)
        guard result == 0 else { throw POSIXError(POSIXErrorCode(rawValue: result) ?? .ENOENT) }
        self.pid = pid
        let state = state
        Thread.detachNewThread { [pid] in
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = read(reader, &buffer, buffer.count)
                if count == -1, errno == EINTR { continue }
                if count <= 0 { break }
                let text = String(decoding: buffer[..<count], as: UTF8.self)
                state.update { $0.output += text }
            }
            close(reader)
            var status: Int32 = 0
            while waitpid(pid, &status, 0) == -1, errno == EINTR {}
            let code = status & 0x7f == 0 ? (status >> 8) & 0xff : -(status & 0x7f)
            state.update { $0.status = code }
        }
    }

    deinit {
        if state.value.status == nil { kill(pid, SIGKILL) }
        try? FileManager.default.removeItem(at: errors)
    }

    /// Runs a command to its end.
    static func run(_ arguments: [String]) async throws -> Outcome {
        try await RegistryProcess(arguments).end()
    }

    /// Sends a signal.
    func signal(_ signal: Int32) {
        kill(pid, signal)
    }

    /// Waits until it has printed a text.
    func waitFor(_ text: String) async throws {
        let found = await state.first { $0.output.contains(text) || $0.status != nil }
        try #require(
            found?.output.contains(text) == true, "never printed \(text): \(state.value.output) \(errorText)")
    }

    /// Waits for the end; the test's time limit bounds it.
    func end() async throws -> Outcome {
        let last = try #require(await state.first { $0.status != nil })
        return Outcome(code: last.status ?? -1, output: last.output, errors: errorText)
    }

    private var errorText: String { (try? String(contentsOf: errors, encoding: .utf8)) ?? "" }
}
