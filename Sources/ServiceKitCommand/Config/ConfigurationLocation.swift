import ArgumentParser
import Foundation
import Logging
import ServiceKit
import ServiceKitConcurrency
import ServiceKitConfig

/// A place of configuration that a plugin knows: `etcd:///config/user-service`.
struct ConfigurationLocation: ExpressibleByArgument, Hashable, CustomStringConvertible {
    /// The source's name: `etcd`.
    let source: String
    /// Its option `prefix`: `/config/user-service`.
    let prefix: String

    var description: String { "\(source)://\(prefix)" }

    /// Reads `etcd:///config/user-service`; `nil` for another text.
    init?(argument: String) {
        guard let separator = argument.firstRange(of: ":///"), separator.lowerBound > argument.startIndex else {
            return nil
        }
        source = String(argument[..<separator.lowerBound])
        var rest = argument[separator.upperBound...]
        while rest.last == "/" { rest = rest.dropLast() }
        if rest.isEmpty { return nil }
        prefix = "/" + rest
    }

    /// Makes the source, with the connection that the configuration of the arguments names.
    func source(_ arguments: AppArguments) throws -> any ConfigurationSource {
        var arguments = arguments
        arguments.set.append("config.\(source).prefix=\(PlainScalar.quoted(prefix))")
        return try ConfigurationSources(plugins: Kit.plugins)
            .make(source, configuration: arguments.localConfiguration(), logger: .silent)
    }

    /// The documents that are there, as they are written. Throws `CommandFailure` when the source is away.
    func written(_ arguments: AppArguments) async throws -> Configuration {
        try LayerStack(documents: try await source(arguments).documents()).written()
    }
}

extension ConfigurationSource {
    /// How long `kit` waits for a source, if the source itself does not say less.
    static var limit: Duration { .seconds(5) }

    /// The documents that the source has now. Throws `CommandFailure` when it has none within the limit.
    func documents() async throws -> [ConfigurationDocument] {
        let limit = min(startTimeout ?? Self.limit, Self.limit)
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
                documents += try await source.documents()
            } catch let error as CommandFailure {
                Terminal.error.print("kit: \(error); going on without its values")
                isAway(source, error.description)
            }
        }
        return documents
    }
}
