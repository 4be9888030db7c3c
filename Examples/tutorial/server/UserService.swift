import GRPCCore
import SwiftProtobuf
import TutorialAPI

/// `tutorial.v1.UserService`, with three users.
struct UserService: Tutorial_V1_UserService.SimpleServiceProtocol {
    /// The id of this instance, for its answers.
    let instance: String

    func getUser(request: Tutorial_V1_GetUserRequest, context: ServerContext) async throws -> Tutorial_V1_User {
        let names: [Int64: String] = [1: "Ada", 2: "Grace", 3: "Barbara"]
        guard let name = names[request.id] else {
            throw RPCError(code: .notFound, message: "there is no user \(request.id)")
        }
        return .with {
            $0.id = request.id
            $0.name = name
            $0.answeredBy = instance
        }
    }
}
