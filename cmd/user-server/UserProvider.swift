import GRPCCore
import ServiceKit
import ServiceKitGRPC
import ServiceKitSampleAPI
import SwiftProtobuf

/// `user.v1.UserService` on a store.
struct UserProvider: User_V1_UserService.SimpleServiceProtocol {
    let store: UserStore

    func createUser(request: User_V1_CreateUserRequest, context: ServerContext) async throws -> User_V1_User {
        guard !request.name.isEmpty else {
            throw User_V1_UserError.nameMissing("a user needs a name")
        }
        return try store.create(name: request.name, email: request.email)
    }

    func getUser(request: User_V1_GetUserRequest, context: ServerContext) async throws -> User_V1_User {
        guard let user = store.user(id: request.id) else {
            throw User_V1_UserError.userNotFound("there is no user \(request.id)", metadata: ["id": "\(request.id)"])
        }
        return user
    }

    func listUsers(
        request: User_V1_ListUsersRequest,
        response: RPCWriter<User_V1_User>,
        context: ServerContext
    ) async throws {
        let users = store.allUsers
        let limit = request.limit > 0 ? Int(request.limit) : users.count
        for user in users.prefix(limit) { try await response.write(user) }
    }

    func watchUsers(
        request: User_V1_WatchUsersRequest,
        response: RPCWriter<User_V1_UserEvent>,
        context: ServerContext
    ) async throws {
        for try await user in store.newUsers() { try await response.write(.with { $0.created = user }) }
    }
}
