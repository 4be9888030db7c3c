import ArgumentParser

/// `kit config`.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Checks configuration files, and shows the configuration of a service.",
        discussion: """
              kit config check config/*.yaml
              kit config show --set registry.backend=etcd
            """,
        subcommands: [ConfigCheckCommand.self, ConfigShowCommand.self]
    )
}
