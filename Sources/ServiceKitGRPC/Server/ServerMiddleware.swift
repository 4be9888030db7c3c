internal import GRPCCore
internal import GRPCNghttp2Transport
internal import ServiceKit
private import ServiceContextModule

/// Runs middleware around each call of a server, from the call's headers to its status.
///
/// A class: a call keeps its hook, and copies a struct's parts one by one.
final class ServerMiddleware: ServerCallHook {
    private let chain: MiddlewareChain
    private let isSynchronous: Bool
    private let exceptions: Set<String>

    /// - Parameters:
    ///   - chain: The middleware.
    ///   - exceptions: The full names of services whose calls have no middleware.
    init(_ chain: MiddlewareChain, except exceptions: Set<String> = []) {
        self.chain = chain
        isSynchronous = chain.isSynchronous
        self.exceptions = exceptions
    }

    func applies(to method: MethodDescriptor) -> Bool {
        !chain.isEmpty && !exceptions.contains(method.service.fullyQualifiedService)
    }

    nonisolated(nonsending) func handle(
        _ served: ServerCall,
        _ serve: nonisolated(nonsending) () async -> ServerCall.Outcome
    ) async -> (status: Status, trailers: Metadata) {
        let received = served.deadline
        var call = Call(
            side: .server,
            transport: "grpc",
            operation: served.path,
            peer: served.peer,
            metadata: CallMetadata(served.metadata),
            deadline: received
        )
        // As `MiddlewareChain.run` does it, but for a closure that each call would run through.
        var answer = Metadata()
        var result: CallResult
        do {
            if isSynchronous { try chain.beginSynchronously(&call) } else { try await chain.begin(&call) }
            if call.isMetadataChanged { served.setMetadata(Metadata(call.metadata)) }
            if !call.responseMetadata.isEmpty { served.addToResponse(Metadata(call.responseMetadata)) }
            if let deadline = call.deadline, deadline != received { served.setDeadline(deadline) }
            switch await ServiceContext.withValue(call.context, operation: serve) {
            case .threw(let error):
                throw error
            case .status(let status, let trailers):
                if let error = RPCError(status: status, metadata: trailers) { throw error }
                answer = trailers
                result = CallResult(trailers: CallMetadata(trailers))
            }
        } catch {
            result = CallResult(error: error)
        }
        call.end(with: &result)
        if let error = result.rpcError {
            return (Status(code: Status.Code(error.code), message: error.message), error.metadata)
        }
        return (Status(code: .ok, message: ""), result.areTrailersChanged ? Metadata(result.trailers) : answer)
    }
}
