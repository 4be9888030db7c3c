import GRPCCore
import ServiceKit
import ServiceKitSampleAPI
import SwiftProtobuf

/// `user.v1.UserService`, with users 1, 2 and 3.
struct UserProvider: User_V1_UserService.SimpleServiceProtocol {
    func createUser(request: User_V1_CreateUserRequest, context: ServerContext) async throws -> User_V1_User {
        throw ServiceError(.unimplemented, reason: "READ_ONLY", message: "users cannot be created")
    }

    func getUser(request: User_V1_GetUserRequest, context: ServerContext) async throws -> User_V1_User {
        guard (1...3).contains(request.id) else {
            throw User_V1_UserError.userNotFound("there is no user \(request.id)", metadata: ["id": "\(request.id)"])
        }
        return .with { $0.id = request.id }
    }

    func listUsers(
        request: User_V1_ListUsersRequest,
        response: RPCWriter<User_V1_User>,
        context: ServerContext
    ) async throws {
        for id in 1...3 { try await response.write(.with { $0.id = Int64(id) }) }
    }

    func watchUsers(
        request: User_V1_WatchUsersRequest,
        response: RPCWriter<User_V1_UserEvent>,
        context: ServerContext
    ) async throws {}
}
