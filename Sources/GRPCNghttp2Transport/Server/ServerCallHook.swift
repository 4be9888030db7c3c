package import GRPCCore

/// What is done around each call of a server, from its headers to its status.
///
/// GRPCCore's interceptors end before a streaming response is written. This is around the whole call, and has the last
/// word on its status. When such a call is cancelled, its handler's task is, too, which GRPCCore would leave alone.
package protocol ServerCallHook: Sendable {
    /// Whether something is done around the calls of a method.
    func applies(to method: MethodDescriptor) -> Bool

    /// Does it.
    ///
    /// - Parameters:
    ///   - call: The call.
    ///   - serve: Has the call handled, up to its status, which is held back; to be called at most once.
    /// - Returns: What the call is answered.
    func handle(
        _ call: HookedCall,
        _ serve: @escaping @Sendable @concurrent () async -> Void
    ) async -> (status: Status, trailers: Metadata)
}

/// A call as a hook sees it.
package struct HookedCall: Sendable {
    let call: ServerCall

    /// The method's name as the path of a request, `/package.Service/Method`.
    package var path: String { self.call.path }

    /// The caller's address.
    package var peer: String { self.call.peer }

    /// The request's headers as they came. They lack `grpc-timeout`: see ``deadline``.
    package var metadata: Metadata { self.call.metadata }

    /// When the caller wants the call to have ended.
    package var deadline: ContinuousClock.Instant? { self.call.deadline }

    /// Gives the handler other headers than the request came with, and adds headers to the response's.
    package func setMetadata(_ request: Metadata, addingToResponse response: Metadata) {
        self.call.setMetadata(request, addingToResponse: response)
    }

    /// Cancels the call at a deadline, unless it ends before.
    package func setDeadline(_ deadline: ContinuousClock.Instant) {
        self.call.setDeadline(deadline)
    }

    /// What the handler has ended the call with; `nil` if it has not.
    package var outcome: (status: Status, trailers: Metadata)? { self.call.heldOutcome }

    /// What the handler has thrown, as far as was told by ``Nghttp2ServerTransport/Context/handlerFailed(_:)``.
    package var handlerError: (any Error)? { self.call.handlerError }
}

extension Nghttp2ServerTransport.Context {
    /// Takes note of what a handler has thrown, for the hook around its call: GRPCCore makes a status of it that does not
    /// say what it was.
    package func handlerFailed(_ error: any Error) {
        self.call.handlerFailed(error)
    }
}
