private import Synchronization

/// Middleware in order, outermost first, each for the calls that its rule selects.
public struct MiddlewareChain: Sendable {
    private struct Layer {
        let middleware: any Middleware
        let rule: PathRule
    }

    private var layers: [Layer] = []

    /// A chain of no middleware.
    public init() {}

    /// Whether there is no middleware.
    public var isEmpty: Bool { layers.isEmpty }

    /// Adds a middleware inside those already there.
    ///
    /// A middleware for all calls replaces one of the same type that also is for all calls, and takes its place: so a
    /// default is exchanged, not doubled.
    public mutating func use(_ middleware: any Middleware, for rule: PathRule = .all) {
        let layer = Layer(middleware: middleware, rule: rule)
        let same = layers.firstIndex { $0.rule == .all && type(of: $0.middleware) == type(of: middleware) }
        if rule == .all, let same {
            layers[same] = layer
        } else {
            layers.append(layer)
        }
    }

    /// Removes every middleware of a type.
    public mutating func remove(_ type: any Middleware.Type) {
        layers.removeAll { Swift.type(of: $0.middleware) == type }
    }

    /// Whether it is the same for every path.
    fileprivate var isUniform: Bool { layers.allSatisfy { $0.rule == .all } }

    /// What is to be run around calls of a path.
    package func pipeline(for path: String) -> MiddlewarePipeline {
        MiddlewarePipeline(layers.filter { $0.rule.matches(path) }.map(\.middleware))
    }
}

/// The middleware of one path.
package struct MiddlewarePipeline: Sendable {
    fileprivate let middleware: [any Middleware]
    /// The same, if none of it waits for anything.
    package let steps: [any StepwiseMiddleware]?

    fileprivate init(_ middleware: [any Middleware]) {
        self.middleware = middleware
        let steps = middleware.compactMap { $0 as? any StepwiseMiddleware }
        self.steps = steps.count == middleware.count ? steps : nil
    }

    /// Whether there is nothing to run.
    package var isEmpty: Bool { middleware.isEmpty }

    /// Runs a call through the middleware.
    ///
    /// - Parameter body: The call itself, inside all middleware.
    package func run(
        _ call: Call,
        _ body: @escaping @Sendable (Call) async throws -> CallResult
    ) async throws -> CallResult {
        try await MiddlewareNext(rest: middleware[...], body: body)(call)
    }
}

/// The rest of a chain of middleware, and in the end the call itself.
public struct MiddlewareNext: Sendable {
    fileprivate let rest: ArraySlice<any Middleware>
    fileprivate let body: @Sendable (Call) async throws -> CallResult

    /// Passes a call on.
    ///
    /// - Returns: When the call has ended, after the last message of a stream.
    /// - Throws: The error that the call ended with: on a server what the handler threw, on a client what the server
    ///   answered.
    public func callAsFunction(_ call: Call) async throws -> CallResult {
        guard let first = rest.first else { return try await body(call) }
        return try await first.handle(call, next: MiddlewareNext(rest: rest.dropFirst(), body: body))
    }
}

/// Pipelines by path, each made when its path is first called.
package final class MiddlewarePipelines: Sendable {
    /// How many paths are remembered; then all are forgotten. A server's callers choose the paths, so this must not grow
    /// with them.
    package static let maximumPaths = 4096

    private let chain: MiddlewareChain
    /// The one pipeline when there are no rules, as most often: then no path is looked up.
    private let uniform: MiddlewarePipeline?
    private let byPath = Mutex<[String: MiddlewarePipeline]>([:])

    /// Selects from a chain.
    package init(_ chain: MiddlewareChain) {
        self.chain = chain
        self.uniform = chain.isUniform ? chain.pipeline(for: "/") : nil
    }

    /// Whether no call meets any middleware.
    package var isEmpty: Bool { chain.isEmpty }

    /// How many paths are remembered.
    var count: Int { byPath.withLock(\.count) }

    /// The pipeline for calls of a path.
    package subscript(path: String) -> MiddlewarePipeline {
        if let uniform { return uniform }
        return byPath.withLock { byPath in
            if let pipeline = byPath[path] { return pipeline }
            if byPath.count >= Self.maximumPaths { byPath = [:] }
            let pipeline = chain.pipeline(for: path)
            byPath[path] = pipeline
            return pipeline
        }
    }
}
