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
        /// The call as the last middleware has left it; indirect, as it is large and moves twice.
        indirect case begun(Call)
        case ended
    }

    private let state = Mutex(State.waiting)

    /// Begins a call.
    ///
    /// - Throws: The call's answer when a middleware throws, or the caller has left meanwhile. The middleware has ended then.
    nonisolated(nonsending) func begin(_ call: inout Call, _ chain: MiddlewareChain) async throws(RPCError) {
        var failure: (any Error)?
        do {
            try await chain.begin(&call)
        } catch {
            failure = error
        }
        if failure == nil {
            let hasBegun = state.withLock { [call] state in
                guard case .waiting = state else { return false }
                state = .begun(call)
                return true
            }
            if hasBegun { return }
        }
        let error = failure ?? CancellationError()
        var result = CallResult(error: error)
        call.end(with: &result)
        throw result.rpcError ?? RPCError(describing: error)
    }

    /// Ends the call if it has begun and not ended.
    ///
    /// - Parameter outcome: How the call went.
    /// - Returns: The result that the middleware has left for the caller; `nil` when there was nothing to end.
    func end(_ outcome: () -> CallResult) -> CallResult? {
        var last = State.ended
        state.withLock { swap(&$0, &last) }
        guard case .begun(var call) = last else { return nil }
        var result = outcome()
        call.end(with: &result)
        return result
    }
}
