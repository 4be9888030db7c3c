import ArgumentParser
import Foundation
import Glibc
import ServiceKit
import ServiceKitConcurrency
import ServiceKitConfig

/// A document in a store.
struct StoredDocumentArguments: ParsableArguments {
    @Option(
        name: .customLong("name"),
        help: ArgumentHelp("The document's name in the store.", valueName: "name"))
    var document = "config.yaml"

    @OptionGroup var app: AppArguments

    func validate() throws {
        guard document.hasSuffix(".yaml"), !document.hasPrefix("/") else {
            throw ValidationError(
                "--name \(document) is no name of a document; it has to end with .yaml, as in config.yaml")
        }
    }

    /// Runs a body on the store. Throws `CommandFailure` when its source lets nobody write, or does not answer.
    func withStore<Result: Sendable>(
        at location: ConfigurationLocation,
        _ body: @escaping @Sendable (any ConfigurationOperator) async throws -> Result
    ) async throws -> Result {
        let source = try location.source(app)
        guard let store = source as? any ConfigurationOperator else {
            throw CommandFailure("\(location.source) can be read only; change the values at their place")
        }
        return try await store.running { try await body(store) }
    }

    func key(at location: ConfigurationLocation) -> String { "\(location)/\(document)" }
}

/// `kit config push`.
struct ConfigPushCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push",
        abstract: "Writes a configuration file to a store, from where services follow it.",
        discussion: """
            The file is checked first, like kit config check does. Then the values that change are shown, and confirmed.

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

    @Option(help: ArgumentHelp("The store: etcd:///PREFIX.", valueName: "store"))
    var to: ConfigurationLocation

    @OptionGroup var write: WriteArguments

    @OptionGroup var store: StoredDocumentArguments

    func run() async throws {
        let check = ConfigurationCheck(file: file, plugins: Kit.plugins)
        check.report(file: file)
        if !check.errors.isEmpty { throw CommandFailure("\(file) has mistakes; nothing was pushed") }
        let bytes = try ConfigurationFile.contents(of: file)
        try await store.withStore(at: to) { [self] source in
            try await write.replace(store, at: to, in: source, by: bytes, message: write.message ?? "")
        }
    }
}

/// How a document is written.
struct WriteArguments: ParsableArguments {
    @Flag(help: "Write without a question.")
    var yes = false

    @Option(help: ArgumentHelp("The reason, for kit config history.", valueName: "text"))
    var message: String?

    @Option(help: ArgumentHelp("How many versions are kept.", valueName: "count"))
    var keep = 50

    func validate() throws {
        if !(1...10_000).contains(keep) { throw ValidationError("--keep must be from 1 to 10000") }
    }

    /// Shows the difference, asks, and writes.
    func replace(
        _ arguments: StoredDocumentArguments,
        at location: ConfigurationLocation,
        in store: any ConfigurationOperator,
        by bytes: [UInt8],
        message: String
    ) async throws {
        let key = arguments.key(at: location)
        let limit = Self.limit
        let stored = try await withTimeLimit(limit) { try await store.document(named: arguments.document) }
        if stored?.bytes == bytes { return Terminal.output.print("\(key): nothing changes") }
        let differences = try ConfigDiffCommand.differences(
            // A document that cannot be read is replaced as a whole.
            from: (try? Self.configuration(stored?.bytes ?? [], origin: key)) ?? Configuration(),
            to: Self.configuration(bytes, origin: key)
        )
        ConfigDiffCommand.print(differences)
        if differences.isEmpty { Terminal.output.print("\(key): no value changes, only comments or layout") }
        try confirm("write \(key)?")
        let document = StoredConfiguration(name: arguments.document, bytes: bytes, revision: stored?.revision ?? 0)
        let note = ConfigurationVersion.Note(
            time: Date.now.formatted(.iso8601),
            author: "\(ProcessEnvironment.current["USER"] ?? "-")@\(ProcessInfo.processInfo.hostName)",
            message: message
        )
        let version = try await withTimeLimit(limit) { try await store.write(document, note: note, keeping: keep) }
        guard let version else {
            throw CommandFailure(
                "\(key) was written by somebody else meanwhile; repeat the command to see the difference")
        }
        Terminal.output.print("wrote \(key), version \(version.number)")
    }

    /// How long a store may take to answer.
    static let limit = Duration.seconds(20)

    private static func configuration(_ bytes: [UInt8], origin: String) throws -> Configuration {
        try LayerStack(documents: [ConfigurationDocument(origin: origin, bytes: bytes)]).written()
    }

    private func confirm(_ question: String) throws {
        if yes { return }
        guard isatty(STDIN_FILENO) == 1 else {
            throw CommandFailure("there is no terminal for the question \"\(question)\"; add --yes to write")
        }
        Terminal.error.write("\(question) [y/N] ")
        guard let answer = readLine(), ["y", "yes"].contains(answer.lowercased()) else {
            throw CommandFailure("nothing was written")
        }
    }
}

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

    @Argument(help: ArgumentHelp("The store: etcd:///PREFIX.", valueName: "store"))
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

/// `kit config rollback`.
struct ConfigRollbackCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Writes an earlier version of a document again.",
        discussion: """
            The values that change are shown, and confirmed. The result is a new version: a rollback can be rolled back.

              kit config rollback etcd:///config/user-service        to the version before the latest
              kit config rollback etcd:///config/user-service 3
            """
    )

    @Argument(help: ArgumentHelp("The store: etcd:///PREFIX.", valueName: "store"))
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
            let target = version.map { number in versions.first { $0.number == number } } ?? versions.dropFirst().first
            guard let target else {
                let known = versions.map { "\($0.number)" }.joined(separator: ", ")
                throw CommandFailure(
                    "\(store.key(at: location)) has no \(version.map { "version \($0)" } ?? "earlier version"); "
                        + (versions.isEmpty ? "nothing was pushed to it" : "there are: \(known)"))
            }
            let message = write.message ?? "rollback to version \(target.number)"
            try await write.replace(store, at: location, in: source, by: target.bytes, message: message)
        }
    }
}
