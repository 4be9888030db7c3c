import ServiceKit
public import ServiceKitGRPC
import ServiceKitSampleAPI

// The conformances hold for all tests of the package, which are one program: no other test sends these values.

extension User_V1_CreateUserRequest: ValidatableMessage {
    /// The name that no user can have.
    static let refusedName = "nobody at all"

    func violations() -> [ServiceError.FieldViolation] {
        name == Self.refusedName ? [.init(field: "name", description: "is of no user")] : []
    }
}

extension User_V1_ListUsersRequest: ValidatableMessage {
    /// The limit that is refused.
    static let refusedLimit: Int32 = -777

    func violations() -> [ServiceError.FieldViolation] {
        limit == Self.refusedLimit ? [.init(field: "limit", description: "is of no list")] : []
    }
}
