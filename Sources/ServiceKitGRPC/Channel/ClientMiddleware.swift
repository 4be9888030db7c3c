internal import GRPCCore
internal import ServiceKit
private import Synchronization

/// The middleware of one call that a channel makes. It is ended exactly once.
///
/// | from | event | to |
/// |---|---|---|
/// | waiting | the middleware has begun | begun |
/// | waiting | the caller leaves | ended |
/// | begun | the last part is read, the call fails, or the caller leaves | ended |
struct ClientMiddleware: ~Copyable, Sendable {
    enum State {
        /// The middleware has not begun, or is about to.
        case waiting
        /// The call as the last middleware has left it.
        case begun(Begun)
        case ended
    }

    /// A call whose middleware has begun. A class, so that it is not copied on its way to its end.
    // @unchecked: `begin` makes it and puts it into the state, and `end` takes it out: one of them has it at a time.
    final class Begun: @unchecked Sendable {
        private var call: Call

        fileprivate init(_ call: consuming Call) {
            self.call = call
        }

        /// Tells the middleware how the call ended; it may change the result.
        func end(with result: inout CallResult) {
            call.end(with: &result)
        }
    }

    private let state = Mutex(State.waiting)

    /// Begins a call.
    ///
    /// - Parameters:
    ///   - call: The call.
    ///   - headers: Its headers, in gRPC's form.
    ///   - chain: The middleware.
    /// - Returns: The call's start, as the last middleware has left it.
    /// - Throws: The call's answer when a middleware throws, or the caller has left meanwhile. The middleware has ended then.
    nonisolated(nonsending) func begin(
        _ call: consuming Call,
        _ headers: Metadata,
        _ chain: MiddlewareChain
    ) async throws(RPCError) -> ClientCallStart {
        var failure: (any Error)?
        do {
            if chain.isSynchronous {
                try chain.beginSynchronously(&call)
                try await call.waitForDelay()
            } else {
                try await chain.begin(&call)
            }
        } catch {
            failure = error
        }
        let start = ClientCallStart(
            headers: call.isMetadataChanged ? Metadata(call.metadata) : headers,
            deadline: call.deadline,
            attemptBegins: call.attemptBegins
        )
        let begun = Begun(call)
        let hasBegun = state.withLock { [hasFailed = failure != nil] state in
            guard !hasFailed, case .waiting = state else { return false }
            state = .begun(begun)
            return true
        }
        if hasBegun { return start }
        let error = failure ?? CancellationError()
        var result = CallResult(error: error)
        begun.end(with: &result)
        throw result.rpcError ?? RPCError(describing: error)
    }

    /// Takes the call out, if it has begun and not ended; the caller ends it.
    func end() -> Begun? {
        var last = State.ended
        state.withLock { swap(&$0, &last) }
        guard case .begun(let begun) = last else { return nil }
        return begun
    }
}
