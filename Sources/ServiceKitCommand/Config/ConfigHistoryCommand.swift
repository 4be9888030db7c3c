import ArgumentParser
import ServiceKit
import ServiceKitConcurrency

/// `kit config history`.
struct ConfigHistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Lists the versions of a document in a store, the latest first.",
        discussion: """
              kit config history etcd:///config/user-service

            In etcd the versions are the keys PREFIX.history/NAME/NUMBER. REVISION is etcd's, at which the version was \
            written. They are keys, and not etcd's own old revisions, since these are lost when etcd is compacted.
            """
    )

    @Argument(
        help: ArgumentHelp("The store: etcd:///PREFIX.", valueName: "store"),
        transform: ConfigurationLocation.init(parsing:))
    var location: ConfigurationLocation

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var store: StoredDocumentArguments

    private struct Entry: Encodable {
        let version: Int
        let revision: Int64
        let time: String?
        let author: String?
        let message: String?
    }

    func run() async throws {
        let name = store.document
        let versions = try await store.withStore(at: location) { source in
            try await withTimeLimit(WriteArguments.limit) { try await source.versions(of: name) }
        }
        if json {
            let entries = versions.map { version in
                Entry(
                    version: version.number, revision: version.revision, time: version.note?.time,
                    author: version.note?.author, message: version.note?.message)
            }
            return Terminal.output.print(try JSONText.document(entries))
        }
        if versions.isEmpty { return Terminal.error.print("no versions of \(store.key(at: location))") }
        var table = TextTable(["VERSION", "REVISION", "TIME", "AUTHOR", "MESSAGE"])
        for version in versions {
            let note = version.note
            table.add([
                "\(version.number)", "\(version.revision)", note?.time ?? "", note?.author ?? "", note?.message ?? "",
            ])
        }
        for line in table.lines { Terminal.output.print(line) }
    }
}
