import ArgumentParser
import ServiceKit
import ServiceKitConfig

/// `kit config push`.
struct ConfigPushCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push",
        abstract: "Writes a configuration file to a store, from where services follow it.",
        discussion: """
            The file is checked first, over the configuration file (--config, --profile), as a service reads it. Then the \
            values that change are shown, and confirmed.

              kit config push config/fleet.yaml --to etcd:///config/user-service
              kit config push config/fleet.yaml --to etcd:///config/user-service --yes --message "longer timeouts"

            In etcd the document is the key /config/user-service/config.yaml. Each push is kept as a version, for kit \
            config history and rollback. The connection is that of the configuration, as for kit registry: config.etcd.\
            connection, or registry.etcd.

            Exit code: 0, also when nothing changes; 1 when the file has mistakes or the store refuses.
            """
    )

    @Argument(help: ArgumentHelp("The YAML file.", valueName: "file"))
    var file: String

    @Option(
        help: ArgumentHelp("The store: etcd:///PREFIX.", valueName: "store"),
        transform: ConfigurationLocation.init(parsing:))
    var to: ConfigurationLocation

    @OptionGroup var write: WriteArguments

    @OptionGroup var store: StoredDocumentArguments

    func run() async throws {
        let bytes = try ConfigurationFile.contents(of: file)
        let document = ConfigurationDocument(origin: file, bytes: bytes).fromSource
        // The service reads it over its files. Their own mistakes are not those of the document.
        let layers = LayerStack(documents: try store.app.layers().documents + [document])
        let check = ConfigurationCheck(layers, plugins: Kit.plugins).limited(to: file)
        var report = MistakeReport()
        report.add(check, of: file)
        if report.count > 0 { throw CommandFailure("\(file) has mistakes; nothing was pushed") }
        try await store.withStore(at: to) { [self] source in
            try await write.replace(store, at: to, in: source, by: document, message: write.message ?? "")
        }
    }
}
