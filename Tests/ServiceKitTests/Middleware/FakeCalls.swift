import ServiceKit

/// Records itself before and after the rest.
struct Recording: Middleware {
    let name: String
    let events: Events

    func handle(_ call: Call, next: Next) async throws -> CallResult {
        events.record("\(name) before")
        defer { events.record("\(name) after") }
        return try await next(call)
    }
}

extension Call {
    static func served(
        _ path: String = "/user.v1.UserService/GetUser",
        metadata: CallMetadata = [:],
        deadline: ContinuousClock.Instant? = nil
    ) -> Call {
        Call(side: .server, transport: "grpc", path: path, peer: "10.0.0.1:5", metadata: metadata, deadline: deadline)
    }

    static func made(
        _ path: String = "/user.v1.UserService/GetUser",
        metadata: CallMetadata = [:],
        deadline: ContinuousClock.Instant? = nil
    ) -> Call {
        Call(side: .client, transport: "grpc", path: path, peer: "user-service", metadata: metadata, deadline: deadline)
    }
}

extension Middleware {
    /// Runs a call through this middleware alone.
    func run(
        _ call: Call,
        _ body: @escaping @Sendable (Call) async throws -> CallResult = { _ in CallResult() }
    ) async throws -> CallResult {
        var chain = MiddlewareChain()
        chain.use(self)
        return try await chain.pipeline(for: call.path).run(call, body)
    }

    /// The call as it comes out of this middleware, going in.
    func passed(_ call: Call) async throws -> Call {
        let passed = Watched<Call?>(nil)
        _ = try await run(call) { call in
            passed.set(call)
            return CallResult()
        }
        return passed.value ?? call
    }
}
