import ArgumentParser
import ServiceKit
import ServiceKitConfig

/// `kit config push`.
struct ConfigPushCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push",
        abstract: "Writes a configuration file to a store, from where services follow it.",
        discussion: """
            The file is checked first, as a service reads it: over the configuration file (--config, --profile), and with \
            the store's other keys. Then the values that change are shown, and confirmed.

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
        var report = MistakeReport()
        report.add(try await check(document), of: file)
        if report.count > 0 { throw CommandFailure("\(file) has mistakes; nothing was pushed") }
        try await store.withStore(at: to) { [self] source in
            try await write.replace(store, at: to, in: source, by: document, message: write.message ?? "")
        }
    }

    /// The mistakes that the document makes: those in it, and those elsewhere that are not there without it.
    private func check(_ document: ConfigurationDocument) async throws -> ConfigurationCheck {
        let source = try to.source(store.app)
        let files = try store.app.layers().documents
        let stored = try await source.documents().map(\.fromSource)
        var next = stored
        if let source = source as? any ConfigurationOperator {
            let origin = source.origin(of: store.document)
            let place = stored.firstIndex { $0.path != nil || $0.origin >= origin } ?? stored.endIndex
            next.removeAll { $0.origin == origin }
            next.insert(document, at: place)
        }
        let before = ConfigurationCheck(
            Self.readable(files + stored, besides: nil), plugins: Kit.plugins)
        return ConfigurationCheck(Self.readable(files + next, besides: file), plugins: Kit.plugins)
            .limited(to: file, before: before)
    }

    /// The documents without those that cannot be read. With the name of a file they are named on standard error, and the
    /// file stays in any case.
    private static func readable(_ documents: [ConfigurationDocument], besides file: String?) -> LayerStack {
        var layers = LayerStack(documents: documents)
        while true {
            do throws(ConfigurationError) {
                _ = try layers.written()
                return layers
            } catch {
                let bad = layers.documents.firstIndex { $0.origin == error.location?.origin && $0.origin != file }
                guard let bad else { return layers }
                if file != nil { Terminal.error.print("kit: \(error); the file is checked without it") }
                layers.documents.remove(at: bad)
            }
        }
    }
}
