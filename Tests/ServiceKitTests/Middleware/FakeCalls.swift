import ServiceKit

/// Records the begin and the end of a call.
struct Recording: Middleware {
    let name: String
    let events: Events

    func begin(_ call: inout Call) {
        events.record("\(name) begins")
        call.onEnd { [name, events] _, result in
            events.record(result.error.map { "\(name) ends: \($0)" } ?? "\(name) ends")
        }
    }
}

extension Call {
    static func served(
        _ operation: String = "/user.v1.UserService/GetUser",
        metadata: CallMetadata = [:],
        deadline: ContinuousClock.Instant? = nil
    ) -> Call {
        Call(side: .server, operation: operation, peer: "10.0.0.1:5", metadata: metadata, deadline: deadline)
    }

    static func made(
        _ operation: String = "/user.v1.UserService/GetUser",
        metadata: CallMetadata = [:],
        deadline: ContinuousClock.Instant? = nil
    ) -> Call {
        Call(side: .client, operation: operation, peer: "user-service", metadata: metadata, deadline: deadline)
    }
}

extension Middleware {
    /// Runs a call through this middleware alone.
    func run(
        _ call: Call,
        _ body: (Call) async throws -> CallResult = { _ in CallResult() }
    ) async -> CallResult {
        await MiddlewareChain(self).run(call, body)
    }

    /// A call as this middleware leaves it.
    func begun(_ call: Call) async throws -> Call {
        var call = call
        try await MiddlewareChain(self).begin(&call)
        return call
    }
}
