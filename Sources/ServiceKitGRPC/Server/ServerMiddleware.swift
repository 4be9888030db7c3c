internal import GRPCCore
internal import GRPCNghttp2Transport
internal import ServiceKit
private import ServiceContextModule

/// Runs middleware around each call of a server, from the call's headers to its status.
///
/// A class: a call keeps its hook, and copies a struct's parts one by one.
final class ServerMiddleware: ServerCallHook {
    private let chain: MiddlewareChain
    private let exceptions: Set<String>

    /// - Parameters:
    ///   - chain: The middleware.
    ///   - exceptions: The full names of services whose calls have no middleware.
    init(_ chain: MiddlewareChain, except exceptions: Set<String> = []) {
        self.chain = chain
        self.exceptions = exceptions
    }

    func applies(to method: MethodDescriptor) -> Bool {
        !chain.isEmpty && !exceptions.contains(method.service.fullyQualifiedService)
    }

    @concurrent func handle(_ hooked: HookedCall) async {
        let served = hooked.call
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
        do {
            if chain.isSynchronous { try chain.beginSynchronously(&call) } else { try await chain.begin(&call) }
        } catch {
            return end(&call, .threw(error), hooked)
        }
        if call.isMetadataChanged { served.setMetadata(Metadata(call.metadata)) }
        if !call.responseMetadata.isEmpty { served.addToResponse(Metadata(call.responseMetadata)) }
        if let deadline = call.deadline, deadline != received { served.setDeadline(deadline) }
        await ServiceContext.withValue(call.context) { end(&call, await hooked.serve(), hooked) }
    }

    private func end(_ call: inout Call, _ outcome: ServerCall.Outcome, _ hooked: HookedCall) {
        var answer = Metadata()
        var result: CallResult
        switch outcome {
        case .threw(let error):
            result = CallResult(error: error)
        case .status(let status, let trailers):
            if let error = RPCError(status: status, metadata: trailers) {
                result = CallResult(error: error)
            } else {
                answer = trailers
                result = CallResult(trailers: CallMetadata(trailers))
            }
        }
        call.end(with: &result)
        if let error = result.rpcError {
            hooked.end(Status(code: Status.Code(error.code), message: error.message), error.metadata)
        } else {
            hooked.end(Status(code: .ok, message: ""), result.areTrailersChanged ? Metadata(result.trailers) : answer)
        }
    }
}
