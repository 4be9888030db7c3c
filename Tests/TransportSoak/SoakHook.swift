#if DEBUG
import GRPCCore

@testable import GRPCNghttp2Transport

/// Does around some calls what an App does: enforces their deadlines, and holds their status back.
struct SoakHook: ServerCallHook {
    func applies(to method: MethodDescriptor) -> Bool {
        [SoakService.sum, SoakService.chat, SoakService.hang].contains(method)
    }

    func handle(
        _ call: HookedCall,
        _ serve: @escaping @Sendable @concurrent () async -> Void
    ) async -> (status: Status, trailers: Metadata) {
        call.setMetadata(call.metadata, addingToResponse: ["soak": "hooked"])
        if let deadline = call.deadline { call.setDeadline(deadline) }
        await serve()
        return call.outcome ?? (Status(code: .internalError, message: "the handler has not ended the call"), [:])
    }
}
#endif
