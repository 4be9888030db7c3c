import ServiceKit
import ServiceKitConcurrency
import ServiceKitTestSupport
import ServiceLifecycle

/// A service that runs until it is shut down.
struct FakeService: Service {
    let events: Events
    var name = "service"
    /// Ends it, with an error or without.
    var end = Promise<Void>()
    var ignoresShutdown = false
    /// Keeps it from ending, even when it is cancelled.
    var stuck: Gate?

    func run() async throws {
        events.record("\(name) started")
        let end = end
        do {
            try await withGracefulShutdownHandler {
                try await end.value()
            } onGracefulShutdown: {
                events.record("\(name) shut down")
                if !ignoresShutdown { end.resolve(.success(())) }
            }
            events.record("\(name) ended")
        } catch is CancellationError {
            events.record("\(name) cancelled")
            await stuck?.passIgnoringCancellation()
            throw CancellationError()
        }
    }
}
