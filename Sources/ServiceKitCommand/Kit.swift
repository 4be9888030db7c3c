import ArgumentParser
import Logging
public import ServiceKit

/// The command line `kit`.
///
/// A team builds its own with the registries and balancers that its services use:
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

    /// Runs the command that the command line names, and ends the process when it fails.
    ///
    /// - Parameter plugins: The registries and balancers that commands know beside the embedded ones.
    public static func main(plugins: [Plugin]) async {
        // No reader of the log delays the registry, as in a service.
        StandardFiles.open()
        LoggingSystem.bootstrap(QueuedLogHandler.standardError)
        await $plugins.withValue(plugins) { await KitCommand.main(nil) }
    }
}

/// The root of the commands.
struct KitCommand: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "kit",
            abstract: "Makes services, runs them, and looks after those that run.",
            discussion: """
                  kit new user-service          a service to start from
                  kit run --watch               builds and runs it, again after every change
                  kit registry list             who is registered
                  kit call user-service/ListUsers
                  kit doctor                    what is missing on this machine

                kit help COMMAND says more of a command. For completions in your shell, see \
                kit --generate-completion-script.
                """,
            version: KitVersion.current,
            groupedSubcommands: [
                CommandGroup(name: "Write", subcommands: [NewCommand.self, AddCommand.self, ProtoCommand.self]),
                CommandGroup(name: "Run", subcommands: [RunCommand.self]),
                CommandGroup(name: "Look after", subcommands: [RegistryCommand.self, CallCommand.self]),
                CommandGroup(
                    name: "Check",
                    subcommands: [ConfigCommand.self, DoctorCommand.self, VersionCommand.self]
                ),
            ]
        )
    }
}
