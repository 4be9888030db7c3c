#if DEBUG
import GRPCCore

@testable import GRPCNghttp2Transport
@testable import ServiceKitGRPC
@testable import ServiceKitHTTP2

/// Does the same as an App around some calls: enforces their deadlines, and holds their status back.
final class SoakHook: ServerCallHook {
    func applies(to method: MethodDescriptor) -> Bool {
        [SoakService.Method.sum, .chat, .hang].contains { $0.rawValue == method.method }
    }

    nonisolated(nonsending) func handle(
        _ call: ServerCall,
        _ serve: nonisolated(nonsending) () async -> ServerCall.Outcome
    ) async -> (status: Status, trailers: Metadata) {
        call.addToResponse(["soak": "hooked"])
        switch await serve() {
        case .status(let status, let trailers): return (status, trailers)
        case .threw(let error):
            let error = RPCError(describing: error)
            return (Status(code: Status.Code(error.code), message: error.message), error.metadata)
        }
    }
}
#endif
