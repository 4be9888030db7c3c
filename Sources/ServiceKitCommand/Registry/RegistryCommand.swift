import ArgumentParser

/// `kit registry`: the registered instances, and an operator's work on them.
struct RegistryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "registry",
        abstract: "Shows the instances in a registry, and takes them out of traffic and back.",
        discussion: """
            kit registry list
            kit registry watch user-service
            kit registry offline user-1
            kit registry list --backend etcd --set registry.etcd.endpoints=http://etcd:2379

            The configuration names the registry: --config, KIT_CONFIG, or config/config.yaml. So in a service's \
            directory the commands use that service's registry. --backend chooses another one. An instance is named \
            by its id, or by a unique beginning of it.
            """,
        subcommands: [
            ListCommand.self, WatchCommand.self, ResolveCommand.self, RegisterCommand.self, DeregisterCommand.self,
            WeightCommand.self, OfflineCommand.self, OnlineCommand.self,
        ]
    )

    /// The fields of an instance in JSON, for help texts.
    static let jsonHelp = """
        An instance in JSON is {"service", "id", "version", "endpoints": [URL], "lane": text or null, "zone": text or null, \
        "weight": number, "offline": true or false, "started": RFC 3339 or null, "metadata": {label: text}}; with \
        "unreadableEndpoints": [text] if another framework has registered endpoints that are not scheme://host:port. The weight of an \
        offline instance is the weight that it gets when it is online again.
        """
}
