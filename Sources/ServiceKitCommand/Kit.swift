import ArgumentParser
import Logging
public import ServiceKit

/// The command line `kit`.
///
/// A team builds its own `kit` with the registries and balancers that its services use:
///
/// ```swift
/// @main struct Main {
///     static func main() async {
///         await Kit.main(plugins: [.etcd, .phonebook])
///     }
/// }
/// ```
public enum Kit {
    /// The plugins of this program. Commands read them on the task that runs them.
    @TaskLocal static var plugins: [Plugin] = []

    /// Runs the command of the command line. Ends the process when the command fails.
    ///
    /// - Parameter plugins: The registries and balancers of the commands, beside the embedded ones.
    public static func main(plugins: [Plugin]) async {
        // Log lines never delay the registry, as in a service.
        StandardFiles.open()
        LoggingSystem.bootstrap(QueuedLogHandler.standardError)
        await $plugins.withValue(plugins) { await KitCommand.runToEnd() }
    }
}

struct KitCommand: AsyncParsableCommand {
    /// Runs the command of the command line, and ends the process when it fails, or its output could not be written.
    static func runToEnd() async {
        do {
            try WeightCommand.refuseNegative(Array(CommandLine.arguments.dropFirst()))
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand { try await command.run() } else { try command.run() }
        } catch {
            let code = exitCode(for: error)
            let text = fullMessage(for: error)
            if !text.isEmpty { (code.isSuccess ? Terminal.output : Terminal.error).print(text) }
            if !code.isSuccess {
                if let failure = Terminal.outputFailure { Terminal.error.print("Error: \(failure)") }
                exit(withError: ExitCode(code.rawValue))
            }
        }
        if let failure = Terminal.outputFailure { exit(withError: failure) }
    }

    static let configuration = CommandConfiguration(
        commandName: "kit",
        abstract: "Creates services, runs them, and operates running instances.",
        discussion: """
              kit new user-service          creates a service
              kit run --watch               builds and runs it, and again after every change
              kit registry list             shows the registered instances
              kit call user-service/ListUsers
              kit doctor                    shows the faults of this machine

            kit help COMMAND describes a command. For completions in your shell, see \
            kit --generate-completion-script.
            """,
        version: KitVersion.current,
        groupedSubcommands: [
            CommandGroup(
                name: "Write", subcommands: [NewCommand.self, AddCommand.self, ProtoCommand.self, OpenAPICommand.self]),
            CommandGroup(name: "Run", subcommands: [RunCommand.self]),
            CommandGroup(name: "Operate", subcommands: [RegistryCommand.self, CallCommand.self, RoutesCommand.self]),
            CommandGroup(name: "Check", subcommands: [ConfigCommand.self, DoctorCommand.self, VersionCommand.self]),
        ]
    )
}
