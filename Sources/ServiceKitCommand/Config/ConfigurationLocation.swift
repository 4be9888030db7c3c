import ArgumentParser
import Foundation
import Logging
import ServiceKit
import ServiceKitConcurrency
import ServiceKitConfig

/// A place of configuration that a plugin knows: `etcd:///config/user-service`.
struct ConfigurationLocation: Hashable, CustomStringConvertible {
    /// The source's name: `etcd`.
    let source: String
    /// Its option `prefix`: `/config/user-service`.
    let prefix: String

    var description: String { "\(source)://\(prefix)" }

    /// Reads `etcd:///config/user-service`. Throws `ValidationError` for another text.
    init(parsing text: String) throws {
        let names = ConfigurationSources(plugins: Kit.plugins).names
        let example = "\(names.first ?? "etcd"):///config/user-service"
        let parts = text.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, !parts[0].isEmpty else {
            throw ValidationError("\(text) is no store; write one as in \(example)")
        }
        guard names.contains(parts[0]) else {
            throw ValidationError(KeySuggestion.message(forMissing: "store", parts[0], known: names))
        }
        var prefix = parts[1]
        guard prefix.hasPrefix("/") else {
            throw ValidationError(
                "\(URLSecrets.masked(text)) names a host; the connection is that of the configuration: write \(example)"
            )
        }
        while prefix.hasSuffix("/") { prefix.removeLast() }
        let keys = prefix.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        guard keys.allSatisfy(Self.isPart) else {
            throw ValidationError(
                "\(text) is no prefix; write names of letters, digits and . - _ between single slashes, as in \(example)"
            )
        }
        if prefix.hasSuffix(".yaml") {
            throw ValidationError("\(text) names a document; leave its name out, or give it by --name")
        }
        if prefix.hasSuffix(".history") {
            throw ValidationError("\(text) has the versions of another store; leave .history out")
        }
        source = parts[0]
        self.prefix = prefix
    }

    /// Whether a text can be a part of a prefix, or the name of a document.
    static func isPart(_ text: Substring) -> Bool {
        text != "." && text != ".." && text.wholeMatch(of: /[A-Za-z0-9._-]+/) != nil
    }

    /// Makes the source, with the connection that the configuration of the arguments names.
    func source(_ arguments: AppArguments) throws -> any ConfigurationSource {
        var arguments = arguments
        arguments.set.append("config.\(source).prefix=\(PlainScalar.quoted(prefix))")
        // A store that is empty is none that is away.
        if Self.hasMode(source) { arguments.set.append("config.\(source).mode=optional") }
        return try ConfigurationSources(plugins: Kit.plugins)
            .make(source, configuration: arguments.localConfiguration(), logger: .silent)
    }

    private static func hasMode(_ source: String) -> Bool {
        let configuration = Configuration()
        Kit.sections.register(in: configuration)
        return configuration.options.contains { $0.path == "config.\(source).mode" }
    }

    /// The documents that are there, as they are written; after a line on standard error, none. Throws `CommandFailure` when
    /// the source is away.
    func written(_ arguments: AppArguments) async throws -> Configuration {
        let documents = try await source(arguments).documents()
        if documents.isEmpty { Terminal.error.print("kit: \(self) is empty: no key begins with \(prefix)/") }
        return try LayerStack(documents: documents).written()
    }
}

extension ConfigurationSource {
    /// How long `kit` waits for a source, if a required source does not say less. A service takes an optional source in
    /// later, but `kit` has no later.
    private static var limit: Duration { .seconds(5) }

    /// The documents that the source has now. Throws `CommandFailure` when it has none within the limit.
    func documents() async throws -> [ConfigurationDocument] {
        let limit = isRequired ? min(startTimeout ?? Self.limit, Self.limit) : Self.limit
        let state = Watched<ConfigurationSourceState?>(nil)
        return try await running {
            state.set($0)
        } _: {
            do {
                return try await withTimeLimit(limit) {
                    for await case .loaded(let documents)? in state.values { return documents }
                    throw CancellationError()
                }
            } catch is TimeLimitExceeded {
                guard case .away(let cause)? = state.value else {
                    throw CommandFailure("\(name) is away: no answer within \(limit)")
                }
                throw CommandFailure("\(name) is away: \(cause)")
            }
        }
    }

    /// Runs the source while a body runs.
    func running<Result: Sendable>(
        report: @escaping @Sendable (ConfigurationSourceState) -> Void = { _ in },
        _ body: () async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await run(report: report) }
            defer { group.cancelAll() }
            return try await body()
        }
    }
}

extension AppArguments {
    /// The configuration that a service with these arguments has: with the sources that its files name. A source that is
    /// away is left out, after a line on standard error.
    func configurationWithSources() async throws -> Configuration {
        try configuration(adding: await sourceDocuments())
    }

    /// The documents of the sources that the files name. A source that is away is left out, after a line on standard error;
    /// `isAway` hears of it, too.
    func sourceDocuments(
        isAway: (_ source: any ConfigurationSource, _ cause: String) -> Void = { _, _ in }
    ) async throws -> [ConfigurationDocument] {
        let sources = try ConfigurationSources(plugins: Kit.plugins)
            .make(configuration: localConfiguration(), logger: .silent)
        var documents: [ConfigurationDocument] = []
        for source in sources {
            do {
                documents += try await source.documents().map(\.fromSource)
            } catch let error as CommandFailure {
                Terminal.error.print("kit: \(error); going on without its values")
                isAway(source, error.description)
            }
        }
        return documents
    }
}
