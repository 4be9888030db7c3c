import ArgumentParser

/// The command line of ServiceKit.
@main struct Kit: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "kit",
            abstract: "Makes services, runs them, and looks after those that run.",
            subcommands: [CallCommand.self, RegistryCommand.self, New.self, RunCommand.self, ConfigCommand.self, DoctorCommand.self, VersionCommand.self]
        )
    }
}
