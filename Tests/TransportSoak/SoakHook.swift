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

    func handle(_ hooked: HookedCall) async {
        hooked.call.addToResponse(["soak": "hooked"])
        switch await hooked.serve() {
        case .status(let status, let trailers):
            hooked.end(status, trailers)
        case .threw(let error):
            let error = RPCError(describing: error)
            hooked.end(Status(code: Status.Code(error.code), message: error.message), error.metadata)
        }
    }
}
#endif
