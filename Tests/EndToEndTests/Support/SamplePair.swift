import ServiceKitTestSupport
import ServiceKitTesting

/// The sample pair as processes.
extension RunningProgram {
    /// Starts a server of the sample service.
    ///
    /// - Parameters:
    ///   - id: The instance's id.
    ///   - settings: Further `--set` options, among them the registry.
    ///   - errors: The target of its log, instead of ``errors``.
    ///   - openFiles: The limit of open files. Default: the test's limit.
    static func userServer(
        id: String,
        settings: [String],
        errors: ChildProcess.Stream? = nil,
        openFiles: Int? = nil
    ) throws -> RunningProgram {
        let settings = ["app.id=\(id)", "shutdown.lame-duck=50ms"] + settings
        let arguments =
            ["--config", Executable.configuration("user-server.yaml")] + settings.flatMap { ["--set", $0] }
        guard let openFiles else { return try RunningProgram(Executable.userServer, arguments, errors: errors) }
        let script = "ulimit -n \(openFiles); exec \"$0\" \"$@\""
        return try RunningProgram("/bin/sh", ["-c", script, Executable.userServer] + arguments, errors: errors)
    }

    /// Starts the sample client on a file registry.
    ///
    /// - Parameters:
    ///   - registry: The registry's directory.
    ///   - arguments: Further arguments.
    ///   - output: The target of its standard output, instead of ``output``.
    static func userClient(
        registry: String,
        _ arguments: [String],
        output: ChildProcess.Stream? = nil
    ) throws -> RunningProgram {
        try RunningProgram(
            Executable.userClient,
            ["--config", Executable.configuration("user-client.yaml"), "--set", "registry.file.directory=\(registry)"]
                + arguments,
            output: output
        )
    }
}
