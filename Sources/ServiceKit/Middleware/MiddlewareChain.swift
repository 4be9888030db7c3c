private import ServiceContextModule

/// Middleware in order, the outermost first, each for the calls that its rule selects.
///
/// Servers and channels of the kit run their chains by themselves. A server of your own, and a test, runs one so:
///
/// ```swift
/// let result = await chain.run(Call(side: .server, operation: "/user.v1.UserService/GetUser")) { call in
///     try await answer(call)
///     return CallResult()
/// }
/// ```
public struct MiddlewareChain: Sendable {
    /// A middleware and its rule. A class, as calls would copy a struct of an existential.
    // @unchecked, as it has a subclass: neither has a property that changes.
    private class Layer: @unchecked Sendable {
        let middleware: any Middleware
        let rule: OperationRule
        /// Whether the middleware never waits.
        var isSynchronous: Bool { false }

        init(_ middleware: any Middleware, _ rule: OperationRule) {
            self.middleware = middleware
            self.rule = rule
        }

        /// Begins a call if the middleware never waits.
        func beginSynchronously(_ call: inout Call) throws {}

        nonisolated(nonsending) func begin(_ call: inout Call) async throws {
            if isSynchronous { return try beginSynchronously(&call) }
            try await middleware.begin(&call)
            switch call.side {
            case .server: try await middleware.beginServing(&call)
            case .client: try await middleware.beginCalling(&call)
            }
        }
    }

    /// A middleware that never waits, by its type: a look through an existential would copy it for each call.
    // @unchecked as its superclass.
    private final class SynchronousLayer<Kind: SynchronousMiddleware>: Layer, @unchecked Sendable {
        private let same: Kind

        init(_ middleware: Kind, _ rule: OperationRule) {
            same = middleware
            super.init(middleware, rule)
        }

        override var isSynchronous: Bool { true }

        override func beginSynchronously(_ call: inout Call) throws {
            try same.begin(&call)
            switch call.side {
            case .server: try same.beginServing(&call)
            case .client: try same.beginCalling(&call)
            }
        }
    }

    private static func layer(_ middleware: any Middleware, _ rule: OperationRule) -> Layer {
        func open(_ middleware: some SynchronousMiddleware) -> Layer { SynchronousLayer(middleware, rule) }
        if let middleware = middleware as? any SynchronousMiddleware { return open(middleware) }
        return Layer(middleware, rule)
    }

    private var layers: [Layer] = [] {
        didSet { synchronous = layers.prefix(while: \.isSynchronous).count }
    }
    /// The number of layers before the first that may wait.
    private var synchronous = 0

    /// Whether no middleware ever waits.
    package var isSynchronous: Bool { synchronous == layers.count }

    /// A chain of some middleware for all calls, by default of none.
    ///
    /// - Parameter middleware: The middleware, the outermost first; of two of the same type the latter counts, as with
    ///   ``use(_:for:)``.
    public init(_ middleware: any Middleware...) {
        for middleware in middleware { use(middleware) }
    }

    /// Whether there is no middleware.
    public var isEmpty: Bool { layers.isEmpty }

    /// Adds a middleware inside those already there.
    ///
    /// A middleware for all calls replaces one of the same type that also is for all calls, and takes its place: so a
    /// default is exchanged, not doubled.
    public mutating func use(_ middleware: any Middleware, for rule: OperationRule = .all) {
        let layer = Self.layer(middleware, rule)
        let same = layers.firstIndex { $0.rule == .all && type(of: $0.middleware) == type(of: middleware) }
        if rule == .all, let same {
            layers[same] = layer
        } else {
            layers.append(layer)
        }
    }

    /// The middleware of a type, the outermost first.
    func all<Kind: Middleware>(_ type: Kind.Type) -> [Kind] { layers.compactMap { $0.middleware as? Kind } }

    /// The names of the types of the middleware, the outermost first.
    package var names: [String] { layers.map { "\(type(of: $0.middleware))" } }

    /// Removes every middleware of a type.
    public mutating func remove(_ type: any Middleware.Type) {
        layers.removeAll { Swift.type(of: $0.middleware) == type }
    }

    /// The chain for the calls to a service.
    ///
    /// - Throws: `ConfigurationError` when the options of a middleware for the service are wrong.
    package func forCalls(to service: String) throws -> MiddlewareChain {
        var chain = MiddlewareChain()
        chain.layers = try layers.map { layer in
            guard let middleware = layer.middleware as? any ClientMiddlewareOfService else { return layer }
            return Self.layer(try middleware.forCalls(to: service), layer.rule)
        }
        return chain
    }

    /// Begins a call: the first half of ``run(_:_:)``, for a client whose calls do not end where they begin.
    ///
    /// Whether it throws or not, the caller then calls ``Call/end(with:)``, once.
    /// - Throws: The error of a middleware; the middleware inside it does not begin.
    public nonisolated(nonsending) func begin(_ call: inout Call) async throws {
        try beginSynchronously(&call)
        try await beginRest(&call)
    }

    /// Begins a call with the middleware before the first that may wait: with all, if the chain ``isSynchronous``. The caller
    /// then calls ``beginRest(_:)`` in the call's task, or ``Call/begun()`` and ``Call/waitForDelay()`` if there is no rest.
    package func beginSynchronously(_ call: inout Call) throws {
        // A rule is compared for each call: that takes less time than to look the operation up in a shared table.
        for layer in layers.prefix(synchronous) where layer.rule.matches(call.operation) {
            try layer.beginSynchronously(&call)
        }
    }

    /// Begins a call with the middleware that ``beginSynchronously(_:)`` has left, and waits for its delay.
    package nonisolated(nonsending) func beginRest(_ call: inout Call) async throws {
        call.begun()
        for layer in layers.dropFirst(synchronous) where layer.rule.matches(call.operation) {
            try await layer.begin(&call)
        }
        try await call.waitForDelay()
    }

    /// Runs a call: the middleware begins, the body serves or makes the call, the middleware ends.
    ///
    /// - Parameters:
    ///   - call: The call.
    ///   - body: Serves or makes the call as the last middleware has left it, within its ``Call/context``. It does not run
    ///   when a middleware throws. An error of the body becomes the result's error.
    /// - Returns: The result that the other side gets.
    public nonisolated(nonsending) func run(
        _ call: Call,
        _ body: nonisolated(nonsending) (Call) async throws -> CallResult
    ) async -> CallResult {
        var call = call
        var result: CallResult
        do {
            try await begin(&call)
            result = try await ServiceContext.withValue(call.context) { [call] in try await body(call) }
        } catch {
            result = CallResult(error: error)
        }
        call.end(with: &result)
        return result
    }
}
