import GRPCCore
import GuestbookAPI
import ServiceKit

/// `guestbook.v1.Guestbook`.
struct GuestbookProvider: Guestbook_V1_Guestbook.SimpleServiceProtocol {
    let entries: Entries

    func sign(request: Guestbook_V1_Entry, context: ServerContext) async throws -> Guestbook_V1_Entry {
        guard !request.name.isEmpty, request.name.count <= 50, request.text.count <= 500 else {
            throw ServiceError(.badRequest, reason: "BAD_ENTRY", message: "an entry needs a name, and is short")
        }
        entries.add(request)
        return request
    }

    func watch(
        request: Guestbook_V1_WatchRequest,
        response: RPCWriter<Guestbook_V1_Entry>,
        context: ServerContext
    ) async throws {
        for await entry in entries.watch() { try await response.write(entry) }
    }
}
