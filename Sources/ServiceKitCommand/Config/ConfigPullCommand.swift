import ArgumentParser
import Foundation
import ServiceKit
import ServiceKitConcurrency

/// `kit config pull`.
struct ConfigPullCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pull",
        abstract: "Reads a document from a store.",
        discussion: """
            It prints the document as it is, secrets included, or writes it to a file.

              kit config pull etcd:///config/user-service
              kit config pull etcd:///config/user-service config/fleet.yaml
            """
    )

    @Argument(help: ArgumentHelp("The store: etcd:///PREFIX.", valueName: "store"))
    var location: ConfigurationLocation

    @Argument(help: ArgumentHelp("The file to write. Default: standard output.", valueName: "file"))
    var file: String?

    @OptionGroup var store: StoredDocumentArguments

    func run() async throws {
        let name = store.document
        let document = try await store.withStore(at: location) { source in
            try await withTimeLimit(WriteArguments.limit) { try await source.document(named: name) }
        }
        guard let document else {
            throw CommandFailure("there is no \(store.key(at: location)); kit config push writes it")
        }
        guard let file else { return Terminal.output.write(String(decoding: document.bytes, as: UTF8.self)) }
        do {
            try Data(document.bytes).write(to: URL(filePath: file), options: .atomic)
        } catch {
            throw CommandFailure("\(file) cannot be written: \(error.localizedDescription)")
        }
        Terminal.output.print("wrote \(file)")
    }
}
