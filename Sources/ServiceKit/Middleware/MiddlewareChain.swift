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

        /// Whether the middleware is a ``HeadMiddleware`` that sees heads.
        var seesHeads: Bool { false }
        /// Is open while the middleware may refuse calls by their heads.
        var gate: RefusalGate? { nil }

        /// Refuses a call by its head.
        func refusal(of head: borrowing CallHead) -> PreparedError? { nil }

        /// Counts a call that was refused by its head.
        func refused(_ head: borrowing CallHead, by error: PreparedError, _ trailers: inout CallMetadata) {}

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
    private class SynchronousLayer<Kind: SynchronousMiddleware>: Layer, @unchecked Sendable {
        fileprivate let same: Kind

        init(_ middleware: Kind, _ rule: OperationRule) {
            same = middleware
            super.init(middleware, rule)
        }

        final override var isSynchronous: Bool { true }

        final override func beginSynchronously(_ call: inout Call) throws {
            try same.begin(&call)
            switch call.side {
            case .server: try same.beginServing(&call)
            case .client: try same.beginCalling(&call)
            }
        }
    }

    /// A middleware that may see the heads of calls.
    // @unchecked as its superclass.
    private final class HeadLayer<Kind: HeadMiddleware>: SynchronousLayer<Kind>, @unchecked Sendable {
        override var seesHeads: Bool { same.seesHeads }
        override var gate: RefusalGate? { same.gate }

        override func refusal(of head: borrowing CallHead) -> PreparedError? { same.refusal(of: head) }

        override func refused(_ head: borrowing CallHead, by error: PreparedError, _ trailers: inout CallMetadata) {
            same.refused(head, by: error, &trailers)
        }
    }

    private static func layer(_ middleware: any Middleware, _ rule: OperationRule) -> Layer {
        func open(_ middleware: some SynchronousMiddleware) -> Layer { SynchronousLayer(middleware, rule) }
        func open(head middleware: some HeadMiddleware) -> Layer { HeadLayer(middleware, rule) }
        if let middleware = middleware as? any HeadMiddleware { return open(head: middleware) }
        if let middleware = middleware as? any SynchronousMiddleware { return open(middleware) }
        return Layer(middleware, rule)
    }

    /// A layer that never waits, and those behind it. A list, as a walk over an array would retain each layer.
    private final class Step: Sendable {
        private let layer: Layer
        private let next: Step?

        init(_ layer: Layer, next: Step?) {
            self.layer = layer
            self.next = next
        }

        func begin(_ call: inout Call) throws {
            // A rule is compared for each call: that takes less time than to look the operation up in a shared table.
            if layer.rule.matches(call.operation) { try layer.beginSynchronously(&call) }
            try next?.begin(&call)
        }
    }

    private var layers: [Layer] = [] {
        didSet {
            let first = layers.prefix(while: \.isSynchronous)
            synchronous = first.count
            firstStep = first.reversed().reduce(nil) { Step($1, next: $0) }
            heads = layers.prefix(while: \.seesHeads).count
            gates = layers.prefix(heads).compactMap(\.gate)
        }
    }
    /// The number of layers before the first that may wait, and those layers.
    private var synchronous = 0
    private var firstStep: Step?
    /// The number of layers before the first that sees whole calls only.
    private var heads = 0
    /// Those of the layers before it.
    private var gates: [RefusalGate] = []

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

    /// Whether a call may be refused by its head now.
    package var refusesHeads: Bool {
        for gate in gates where gate.isOpen { return true }
        return false
    }

    /// Refuses a call by its head, and has the middleware outside of the one that does so count it.
    ///
    /// - Returns: The error that answers the call, and trailers beside its own; `nil` if the call may begin.
    package func refusal(of head: borrowing CallHead) -> (error: PreparedError, trailers: CallMetadata)? {
        for index in 0..<heads where layers[index].rule.matches(head.operation) {
            guard let error = layers[index].refusal(of: head) else { continue }
            var trailers = CallMetadata()
            for outer in layers[..<index].reversed() where outer.rule.matches(head.operation) {
                outer.refused(head, by: error, &trailers)
            }
            return (error, trailers)
        }
        return nil
    }

    /// Begins a call with the middleware before the first that may wait: with all, if the chain ``isSynchronous``. The caller
    /// then calls ``beginRest(_:)`` in the call's task, or ``Call/begun()`` and ``Call/waitForDelay()`` if there is no rest.
    package func beginSynchronously(_ call: inout Call) throws {
        try firstStep?.begin(&call)
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
