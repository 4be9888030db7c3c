/// A server of an App while it runs.
final class RunningServer: Sendable {
    let server: any Server
    private let state: Watched<AppSnapshot.Server>
    private let task: Task<Void, Never>

    /// Starts a server. At its end `onEnd` gets the server, its last state before the end, and its error.
    init(_ server: any Server, onEnd: @escaping @Sendable (any Server, AppSnapshot.Server.State, (any Error)?) -> Void)
    {
        let state = Watched(AppSnapshot.Server(name: server.name, state: .starting, endpoints: []))
        self.server = server
        self.state = state
        // Unstructured, so that a server that does not end cannot keep the App from ending: `drain` and `cut` wait for
        // it, each within a limit.
        task = Task {
            var failure: (any Error)?
            do {
                try await server.run { endpoints in
                    state.update { if $0.state == .starting { ($0.state, $0.endpoints) = (.ready, endpoints) } }
                }
            } catch {
                failure = error
            }
            // First: this end counts as the cause of the stop. Then the tasks that wait for the server hear of it.
            onEnd(server, state.value.state, failure)
            state.update { ($0.state, $0.endpoints) = (.ended, []) }
            state.finish()
        }
    }

    var snapshot: AppSnapshot.Server {
        var snapshot = state.value
        snapshot.load = server.load
        return snapshot
    }

    /// Waits until it is ready. Returns its addresses that other processes can connect to.
    /// Throws `AppError` when it has ended, `CancellationError` when the task is cancelled.
    func waitUntilReady() async throws -> [Endpoint] {
        for await state in state.values {
            switch state.state {
            case .starting: continue
            case .ready: return state.endpoints
            case .ended: throw AppError("the \(server.name) server has ended")
            }
        }
        throw CancellationError()
    }

    /// Lets the calls in flight end, and waits for them.
    func drain() async {
        server.beginGracefulShutdown()
        await task.value
    }

    /// Cuts the calls in flight, and waits.
    func cut() async {
        task.cancel()
        await task.value
    }
}
