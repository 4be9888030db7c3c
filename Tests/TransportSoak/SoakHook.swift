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

    func begin(_ call: ServerCall) -> (any HookedCall)? {
        call.addToResponse(["soak": "hooked"])
        return HookedSoakCall(call)
    }
}

private final class HookedSoakCall: HookedCall {
    private let call: ServerCall

    init(_ call: ServerCall) {
        self.call = call
    }

    func start(on executor: (any TaskExecutor)?) -> Task<Void, Never> {
        Task(executorPreference: executor) { await self.call.run(within: self) }
    }

    func end(_ outcome: ServerCall.Outcome) -> (status: Status, trailers: Metadata) {
        switch outcome {
        case .status(let status, let trailers): return (status, trailers)
        case .threw(let error):
            let error = RPCError(describing: error)
            return (Status(code: Status.Code(error.code), message: error.message), error.metadata)
        }
    }
}
#endif
