import ArgumentParser
import ServiceKit
import ServiceKitConcurrency

/// `kit config pull`.
struct ConfigPullCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pull",
        abstract: "Reads a document from a store.",
        discussion: """
            It prints the document as it is, secrets included, or writes it to a file in one step. A new file can be read by \
            its owner alone; an existing one keeps its mode, and is replaced after a question only. It is a new file then: \
            a hard link to the earlier one keeps the earlier contents.

              kit config pull etcd:///config/user-service
              kit config pull etcd:///config/user-service config/fleet.yaml
            """
    )

    @Argument(
        help: ArgumentHelp("The store: etcd:///PREFIX.", valueName: "store"),
        transform: ConfigurationLocation.init(parsing:))
    var location: ConfigurationLocation

    @Argument(help: ArgumentHelp("The file to write; - for standard output, the default.", valueName: "file"))
    var file: String?

    @OptionGroup var confirmation: Confirmation

    @OptionGroup var store: StoredDocumentArguments

    func run() async throws {
        let file = try file.flatMap { $0 == "-" ? nil : try OutputFile($0) }
        let name = store.document
        let document = try await store.withStore(at: location) { source in
            try await withTimeLimit(WriteArguments.limit) { try await source.document(named: name) }
        }
        guard let document else {
            throw CommandFailure("there is no \(store.key(at: location)); kit config push writes it")
        }
        guard let file else { return Terminal.output.write(String(decoding: document.bytes, as: UTF8.self)) }
        if file.has(document.bytes) { return Terminal.output.print("\(file.path): nothing changes") }
        if file.exists { try confirmation.ask("replace \(file.path), which differs?") }
        try file.write(document.bytes)
        Terminal.output.print("wrote \(file.path)")
    }
}
