import ArgumentParser
import ServiceKit

/// A document in a store.
struct StoredDocumentArguments: ParsableArguments {
    @Option(
        name: .customLong("name"),
        help: ArgumentHelp("The document's name in the store.", valueName: "name"))
    var document = "config.yaml"

    @OptionGroup var app: AppArguments

    func validate() throws {
        guard document.hasSuffix(".yaml"), !document.hasPrefix("."), ConfigurationLocation.isPart(document[...]) else {
            throw ValidationError(
                "--name \(document) is no name of a document; write letters, digits and . - _, and .yaml at the end, as in "
                    + "config.yaml")
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
