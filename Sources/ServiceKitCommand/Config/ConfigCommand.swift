import ArgumentParser

/// `kit config`.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Checks, shows and describes the configuration of services.",
        discussion: """
              kit config check config/*.yaml
              kit config show --set registry.backend=etcd
              kit config diff config/config.yaml etcd:///config/user-service
              kit config push config/fleet.yaml --to etcd:///config/user-service
              kit config init
              kit config schema > config/config.schema.json
            """,
        groupedSubcommands: [
            CommandGroup(
                name: "Read",
                subcommands: [ConfigCheckCommand.self, ConfigShowCommand.self, ConfigDiffCommand.self]),
            CommandGroup(name: "Describe", subcommands: [ConfigInitCommand.self, ConfigSchemaCommand.self]),
            CommandGroup(
                name: "Operate",
                subcommands: [
                    ConfigPushCommand.self, ConfigPullCommand.self, ConfigHistoryCommand.self,
                    ConfigRollbackCommand.self,
                ]),
        ]
    )
}
