package import GRPCCore
import Synchronization

/// Code around each call of a server, from the call's headers to its status.
///
/// GRPCCore's interceptors end before a streaming response is written. A hook is around the whole call, and decides its
/// status. When a hooked call is cancelled, the task of its handler is cancelled too. GRPCCore alone would let it run.
package protocol ServerCallHook: AnyObject, Sendable {
    /// Whether the hook is around the calls of a method.
    func applies(to method: MethodDescriptor) -> Bool

    /// Whether the hook may refuse a call by its head now. Each request asks, so that it has to be cheap.
    var refusesHeads: Bool { get }

    /// Refuses a call by its head, before anything is made for it. Called on the event loop, only if ``refusesHeads``.
    ///
    /// - Returns: The answer; `nil` to go on, in which case ``begin(_:)`` follows.
    func refusal(of head: ServerCallHead) -> ServerRefusal?

    /// Begins a call. Called on the event loop, when the head of the request has come.
    ///
    /// - Returns: The call, to be started; `nil` if the hook has refused it, with ``ServerCall/answer(_:_:)``.
    func begin(_ call: ServerCall) -> (any HookedCall)?
}

extension ServerCallHook {
    /// It does not.
    package var refusesHeads: Bool { false }

    /// None.
    package func refusal(of head: ServerCallHead) -> ServerRefusal? { nil }
}

/// A call that a hook has begun.
package protocol HookedCall: AnyObject, Sendable {
    /// Starts the task of the call: it does what the hook has to wait for, and then, as its last thing, calls
    /// ``ServerCall/run(within:)``, or ``ServerCall/returned()`` if the hook has answered.
    ///
    /// - Parameter executor: The executor of the task; `nil` for the global pool.
    /// - Returns: The task.
    func start(on executor: (any TaskExecutor)?) -> Task<Void, Never>

    /// Ends the hook. Called once, unless the hook has refused the call.
    ///
    /// - Parameter outcome: How the handler ended the call.
    /// - Returns: The call's answer.
    func end(_ outcome: ServerCall.Outcome) -> (status: Status, trailers: Metadata)
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

    /// Sends the status that the hook has decided.
    package func answer(_ status: Status, _ trailers: Metadata) {
        state.withLock { $0.held = nil }
        // A caller that has left needs no status.
        try? send(status, trailers)
    }

    /// Runs the handler, with its status held back.
    nonisolated(nonsending) func outcome() async -> Outcome {
        if let direct {
            do {
                return outcome(.ok, try await direct.serve(self))
            } catch {
                return .threw(error)
            }
        }
        await serve()
        let held = state.withLock { $0.held?.outcome }
        if case .status(let status, let trailers) = held { return outcome(status, trailers) }
        return held ?? .threw(RPCError(code: .unknown, message: "the handler ended the call without a status"))
    }

    /// The outcome of a handler that returned: the hook learns that the call was cancelled, as the caller does.
    private func outcome(_ status: Status, _ trailers: Metadata) -> Outcome {
        .status(isCancelled ? statusOfCancelled(status) : status, trailers)
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
