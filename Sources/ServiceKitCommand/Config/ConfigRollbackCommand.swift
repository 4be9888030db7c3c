import ArgumentParser
import ServiceKit
import ServiceKitConcurrency
import ServiceKitConfig

/// `kit config rollback`.
struct ConfigRollbackCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Writes an earlier version of a document again.",
        discussion: """
            The values that change are shown, and confirmed. The result is a new version: a rollback can be rolled back.

              kit config rollback etcd:///config/user-service        to the version before the latest
              kit config rollback etcd:///config/user-service 3

            If somebody has deleted the document, it is written again as its latest version has it.
            """
    )

    @Argument(
        help: ArgumentHelp("The store: etcd:///PREFIX.", valueName: "store"),
        transform: ConfigurationLocation.init(parsing:))
    var location: ConfigurationLocation

    @Argument(help: ArgumentHelp("The version. Default: the one before the latest.", valueName: "version"))
    var version: Int?

    @OptionGroup var write: WriteArguments

    @OptionGroup var store: StoredDocumentArguments

    func run() async throws {
        try await store.withStore(at: location) { [self] source in
            let versions = try await withTimeLimit(WriteArguments.limit) {
                try await source.versions(of: store.document)
            }
            let isDeleted = try await withTimeLimit(WriteArguments.limit) {
                try await source.document(named: store.document) == nil
            }
            let target =
                if let version { versions.first { $0.number == version } } else {
                    isDeleted ? versions.first : versions.dropFirst().first
                }
            guard let target else {
                let known = versions.map { "\($0.number)" }.joined(separator: ", ")
                throw CommandFailure(
                    "\(store.key(at: location)) has no \(version.map { "version \($0)" } ?? "earlier version"); "
                        + (versions.isEmpty ? "nothing was pushed to it" : "there are: \(known)"))
            }
            let message = write.message ?? "rollback to version \(target.number)"
            let document = ConfigurationDocument(
                origin: "version \(target.number) of \(store.key(at: location))", bytes: target.bytes)
            try await write.replace(store, at: location, in: source, by: document, message: message)
        }
    }
}
