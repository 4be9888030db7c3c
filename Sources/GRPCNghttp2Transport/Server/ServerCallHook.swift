package import GRPCCore
import Synchronization

/// Code around each call of a server, from the call's headers to its status.
///
/// GRPCCore's interceptors end before a streaming response is written. A hook is around the whole call, and decides its
/// status. When a hooked call is cancelled, the task of its handler is cancelled too. GRPCCore alone would let it run.
package protocol ServerCallHook: AnyObject, Sendable {
    /// Whether the hook is around the calls of a method.
    func applies(to method: MethodDescriptor) -> Bool

    /// Runs around a call: begins it, has it served, and ends it, as the last thing that it does. To come back to a caller
    /// with something left to do would cost each call another look at the executor.
    @concurrent func handle(_ hooked: HookedCall) async
}

/// A call with a hook around it.
package struct HookedCall: Sendable {
    /// The call.
    package let call: ServerCall
    let cancellation: ServerContext.RPCCancellationHandle

    /// Runs the handler and holds the call's status back. Call it at most once.
    package func serve() async -> ServerCall.Outcome {
        if let direct = call.method.direct {
            do {
                return outcome(.ok, try await direct.serve(call, call.context(cancellation)))
            } catch {
                return .threw(error)
            }
        }
        await call.serve(cancellation)
        let held = call.state.withLock { $0.held?.outcome }
        if case .status(let status, let trailers) = held { return outcome(status, trailers) }
        return held ?? .threw(RPCError(code: .unknown, message: "the handler ended the call without a status"))
    }

    /// The outcome of a handler that returned: the hook learns that the call was cancelled, as the caller does.
    private func outcome(_ status: Status, _ trailers: Metadata) -> ServerCall.Outcome {
        .status(call.isCancelled ? call.statusOfCancelled(status) : status, trailers)
    }

    /// Sends the call's answer. The call is over.
    package func end(_ status: Status, _ trailers: Metadata) {
        call.state.withLock { $0.held = nil }
        // A caller that has left needs no status.
        try? call.send(status, trailers)
        call.end()
    }
}

extension ServerCall {
    /// The end of a handler, as a hook learns it.
    package enum Outcome: Sendable {
        /// The handler ended the call with a status.
        case status(Status, Metadata)
        /// The handler threw; ``Nghttp2ServerTransport/Context/handlerFailed(_:)`` has told what.
        case threw(any Error)
    }

    /// The parts of a call that are held back, or changed, for a hook.
    struct Held {
        /// The headers for the handler, if they differ from the request's.
        var requestMetadata: Metadata?
        var addedMetadata: Metadata?
        var outcome: Outcome?
    }

    /// Gives the handler other headers than the request's.
    package func setMetadata(_ metadata: Metadata) {
        state.withLock { $0.held?.requestMetadata = metadata }
    }

    /// Adds headers to the response's.
    package func addToResponse(_ metadata: Metadata) {
        state.withLock { $0.held?.addedMetadata = metadata }
    }

    /// Has the hook decide the status from now on.
    func hold() {
        var held = Held()
        if head.timeout != nil {
            held.requestMetadata = head.metadata
            held.requestMetadata?.removeAllValues(forKey: HeaderName.timeout)
        }
        state.withLock { [held] in $0.held = held }
    }

    /// Keeps the outcome of a call for its hook, if there is one; the first outcome counts.
    ///
    /// - Returns: Whether there is a hook to keep it for.
    func hold(_ outcome: Outcome) -> Bool {
        guard isHooked else { return false }
        return state.withLock { state in
            guard state.held != nil else { return false }
            if state.held?.outcome == nil { state.held?.outcome = outcome }
            return true
        }
    }

    /// Whether a hook decides the status.
    var isHeld: Bool { isHooked && state.withLock { $0.held != nil } }
}

extension Nghttp2ServerTransport.Context {
    /// Keeps the error of a handler for the hook around its call: GRPCCore turns the error into a status that does not
    /// name it.
    ///
    /// - Returns: Whether there is a hook, so that the status does not matter.
    package func handlerFailed(_ error: any Error) -> Bool {
        call.hold(.threw(error))
    }
}
