import ArgumentParser
import Foundation
import Glibc
import ServiceKit
import ServiceKitConcurrency
import ServiceKitConfig

/// How a document is written.
struct WriteArguments: ParsableArguments {
    @OptionGroup var confirmation: Confirmation

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
        by written: ConfigurationDocument,
        message: String
    ) async throws {
        let key = arguments.key(at: location)
        let limit = Self.limit
        let stored = try await withTimeLimit(limit) { try await store.document(named: arguments.document) }
        if stored?.bytes == written.bytes { return Terminal.output.print("\(key): nothing changes") }
        let earlier = stored.map { [ConfigurationDocument(origin: key, bytes: $0.bytes)] } ?? []
        // The services that follow the document would refuse it.
        if written.isBlank, earlier.contains(where: { !$0.isBlank }) { throw written.emptied }
        let differences = try ConfigDiffCommand.differences(
            // A document that cannot be read is replaced as a whole.
            from: (try? LayerStack(documents: earlier).written()) ?? Configuration(),
            to: LayerStack(documents: [written]).written()
        )
        ConfigDiffCommand.print(differences)
        if differences.isEmpty {
            let text = stored == nil ? "is new, and sets no value" : "no value changes, only comments or layout"
            Terminal.output.print("\(key): \(text)")
        }
        // Nobody has seen the difference if it could not be printed.
        if let failure = Terminal.outputFailure { throw failure }
        try confirmation.ask("write \(key)?")
        let document = StoredConfiguration(
            name: arguments.document, bytes: written.bytes, revision: stored?.revision ?? 0)
        let note = ConfigurationVersion.Note(
            time: Date.now.formatted(.iso8601),
            author: "\(Self.user)@\(ProcessInfo.processInfo.hostName)",
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

    /// The user's name, or the number of a user without one.
    private static var user: String {
        if let name = ProcessEnvironment.current["USER"], !name.isEmpty { return name }
        let name = getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } ?? ""
        return name.isEmpty ? "\(getuid())" : name
    }
}
