import ServiceKit
import ServiceKitConcurrency
import ServiceKitTestSupport

/// A server that listens on nothing.
final class FakeServer: Server {
    let name: String
    private let endpoints: [Endpoint]
    private let events: Events
    private let bindFailure: (any Error)?
    private let end = Promise<Void>()
    private let drainsAtOnce: Bool
    /// Lets it become ready.
    private let readiness: Gate?
    /// Keeps it from ending, even when it is cancelled.
    private let stuck: Gate?

    init(
        _ name: String = "grpc",
        events: Events,
        endpoints: [Endpoint] = [Endpoint(scheme: "grpc", host: "127.0.0.1", port: 9000)],
        bindFailure: (any Error)? = nil,
        readiness: Gate? = nil,
        drainsAtOnce: Bool = true,
        stuck: Gate? = nil
    ) {
        self.name = name
        self.events = events
        self.endpoints = endpoints
        self.bindFailure = bindFailure
        self.readiness = readiness
        self.drainsAtOnce = drainsAtOnce
        self.stuck = stuck
    }

    func run(ready: @escaping @Sendable ([Endpoint]) -> Void) async throws {
        if let bindFailure { throw bindFailure }
        do {
            try await readiness?.pass()
            events.record("\(name) ready")
            ready(endpoints)
            try await end.value()
            events.record("\(name) ended")
        } catch is CancellationError {
            events.record("\(name) cut")
            await stuck?.passIgnoringCancellation()
            throw CancellationError()
        }
    }

    func beginGracefulShutdown() {
        events.record("\(name) drains")
        if drainsAtOnce { finish() }
    }

    /// Ends by itself, or after it has drained.
    func finish() {
        end.resolve(.success(()))
    }

    func fail(_ error: any Error) {
        end.resolve(.failure(error))
    }
}
