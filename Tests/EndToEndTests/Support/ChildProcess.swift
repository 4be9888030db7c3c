import Foundation
import ServiceKit
import Testing

/// A process that a test has started; it is killed when the test drops it.
final class ChildProcess: Sendable {
    /// How a process ended.
    struct Exit: Hashable, CustomStringConvertible {
        var code: Int32
        var wasKilledBySignal: Bool

        var description: String { wasKilledBySignal ? "signal \(code)" : "exit code \(code)" }
    }

    let pid: Int32
    private let exit = Watched<Exit?>(nil)
    private let output: ProcessOutput
    private let errors: ProcessOutput

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - executable: The program.
    ///   - arguments: Its arguments.
    ///   - environment: Variables beyond those of the test; none of the test's own `KIT_` variables is passed on.
    init(_ executable: URL, _ arguments: [String], environment: [String: String] = [:]) throws {
        output = try ProcessOutput()
        errors = try ProcessOutput()
        let environment = ProcessInfo.processInfo.environment
            .filter { !$0.key.hasPrefix("KIT_") }
            .merging(environment) { $1 }
        pid = try Self.spawn(
            [executable.path(percentEncoded: false)] + arguments,
            environment.map { "\($0.key)=\($0.value)" },
            output: output.writer.fileDescriptor,
            errors: errors.writer.fileDescriptor
        )
        try output.writer.close()
        try errors.writer.close()
        let (pid, exit) = (pid, exit)
        Thread.detachNewThread {
            var status: Int32 = 0
            while waitpid(pid, &status, 0) == -1, errno == EINTR {}
            let signal = status & 0x7f
            exit.set(Exit(code: signal == 0 ? (status >> 8) & 0xff : signal, wasKilledBySignal: signal != 0))
        }
    }

    /// Starts a program by `posix_spawn`. Foundation's `Process` learns of the end from a socket that children started at
    /// the same time inherit, and so at times only when they have ended too.
    private static func spawn(
        _ arguments: [String],
        _ environment: [String],
        output: Int32,
        errors: Int32
    ) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, errors, 2)
        let argv = arguments.map { strdup($0) } + [nil]
        let envp = environment.map { strdup($0) } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid: pid_t = 0
        let result = posix_spawn(&pid, arguments[0], &actions, nil, argv, envp)
        guard result == 0 else { throw POSIXError(POSIXErrorCode(rawValue: result) ?? .ENOENT) }
        return pid
    }

    deinit {
        if exit.value == nil { kill(pid, SIGKILL) }
    }

    /// Sends a signal.
    func signal(_ signal: Int32) {
        kill(pid, signal)
    }

    /// Waits for the end; the test's time limit bounds it.
    func waitForExit() async throws -> Exit {
        let exit = try #require(await exit.first { $0 != nil }.flatMap(\.self))
        await output.waitForEnd()
        await errors.waitForEnd()
        return exit
    }

    /// What it has written to standard output.
    var standardOutput: String { output.text }

    /// What it has written to standard error.
    var standardError: String { errors.text }

    /// Waits until it has written something to standard error.
    func waitForLog(_ text: String) async throws {
        try #require(await errors.waitFor(text), "never logged \(text): \(standardError)")
    }
}

extension ChildProcess {
    /// Starts a server of the sample service.
    ///
    /// - Parameters:
    ///   - id: The instance's id.
    ///   - settings: Further `--set` options, among them the registry.
    static func userServer(id: String, settings: [String]) throws -> ChildProcess {
        let settings = ["app.id=\(id)", "shutdown.lame-duck=50ms"] + settings
        return try ChildProcess(
            Executable.userServer,
            ["--config", Executable.configuration("user-server.yaml")] + settings.flatMap { ["--set", $0] }
        )
    }

    /// Starts the sample client on a file registry.
    static func userClient(registry: String, _ arguments: [String]) throws -> ChildProcess {
        try ChildProcess(
            Executable.userClient,
            ["--config", Executable.configuration("user-client.yaml"), "--set", "registry.file.directory=\(registry)"]
                + arguments
        )
    }
}
