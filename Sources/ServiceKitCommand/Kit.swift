import ArgumentParser
import Logging
import ServiceKit

/// The command line of ServiceKit.
@main struct Kit: AsyncParsableCommand {
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

    static func main() async {
        // The registry's log waits for no reader, as the logs of services.
        StandardFiles.open()
        LoggingSystem.bootstrap(QueuedLogHandler.standardError)
        await main(nil)
    }
}
