internal import GRPCCore
internal import GRPCNghttp2Transport
internal import ServiceKit

/// Middleware around each call of a server, from its headers to its status.
final class ServerMiddleware: ServerCallHook {
    private let pipelines: MiddlewarePipelines
    private let exceptions: Set<String>

    /// - Parameters:
    ///   - middleware: What runs around each call.
    ///   - exceptions: The full names of services whose calls it does not run around.
    init(_ middleware: MiddlewareChain, except exceptions: Set<String> = []) {
        self.pipelines = MiddlewarePipelines(middleware)
        self.exceptions = exceptions
    }

    func applies(to method: MethodDescriptor) -> Bool {
        !pipelines.isEmpty && !exceptions.contains(method.service.fullyQualifiedService)
    }

    func handle(
        _ hooked: HookedCall,
        _ serve: @escaping @Sendable () async -> Void
    ) async -> (status: Status, trailers: Metadata) {
        let call = Call(
            side: .server,
            transport: "grpc",
            path: hooked.path,
            peer: hooked.peer,
            metadata: CallMetadata(hooked.metadata),
            deadline: hooked.deadline
        )
        do {
            let result = try await pipelines[call.path].run(call) { try await Self.serve($0, hooked, serve) }
            guard hooked.outcome != nil else {
                throw RPCError(
                    code: .internalError,
                    message: "middleware answered \(call.path) without passing the call on; it can only throw, or "
                        + "call next"
                )
            }
            return (Status(code: .ok, message: ""), Metadata(result.trailers))
        } catch {
            let error = RPCError(describing: error)
            return (Status(code: Status.Code(error.code), message: error.message), error.metadata)
        }
    }

    /// Has a call handled as the middleware has passed it on.
    ///
    /// - Throws: What the handler has thrown, or the error that its status stands for.
    private static func serve(
        _ call: Call,
        _ hooked: HookedCall,
        _ serve: () async -> Void
    ) async throws -> CallResult {
        hooked.setMetadata(Metadata(call.metadata), addingToResponse: Metadata(call.responseMetadata))
        if let deadline = call.deadline { hooked.setDeadline(deadline) }
        await serve()
        if let error = hooked.handlerError { throw error }
        guard let (status, trailers) = hooked.outcome else {
            throw RPCError(code: .unknown, message: "the handler ended the call without a status")
        }
        if let error = RPCError(status: status, metadata: trailers) { throw error }
        return CallResult(trailers: CallMetadata(trailers))
    }
}
