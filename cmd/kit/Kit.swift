import ArgumentParser

/// The command line of ServiceKit.
@main struct Kit: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "kit",
            abstract: "Makes services, runs them, and looks after those that run.",
            subcommands: [NewCommand.self, AddCommand.self, ProtoCommand.self]
        )
    }
}
