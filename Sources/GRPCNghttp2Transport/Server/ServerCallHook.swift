package import GRPCCore
import Synchronization

/// Code around each call of a server, from the call's headers to its status.
///
/// GRPCCore's interceptors end before a streaming response is written. A hook is around the whole call, and decides its
/// status. When a hooked call is cancelled, the task of its handler is cancelled too. GRPCCore alone would let it run.
package protocol ServerCallHook: AnyObject, Sendable {
    /// Whether the hook is around the calls of a method.
    func applies(to method: MethodDescriptor) -> Bool

    /// Runs around a call.
    ///
    /// - Parameters:
    ///   - call: The call.
    ///   - serve: Runs the handler and holds the call's status back. Call it at most once.
    /// - Returns: The call's answer.
    func handle(
        _ call: ServerCall,
        _ serve: () async -> ServerCall.Outcome
    ) async -> (status: Status, trailers: Metadata)
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

    /// Runs the handler within a hook, and sends the status that the hook decides.
    func serve(
        _ cancellation: ServerContext.RPCCancellationHandle,
        within hook: any ServerCallHook
    ) async {
        var held = Held()
        if head.timeout != nil {
            held.requestMetadata = head.metadata
            held.requestMetadata?.removeAllValues(forKey: HeaderName.timeout)
        }
        state.withLock { [held] in $0.held = held }
        // The deadline counts also while the hook waits.
        if let deadline { setDeadline(deadline) }
        let (status, trailers) = await hook.handle(self) {
            await serve(cancellation)
            let error = RPCError(code: .unknown, message: "the handler ended the call without a status")
            return state.withLock { $0.held?.outcome } ?? .threw(error)
        }
        state.withLock { $0.held = nil }
        // A caller that has left needs no status.
        try? send(status, trailers)
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
