import ServiceKit
public import ServiceKitGRPC
import ServiceKitSampleAPI

extension User_V1_GetUserRequest: ValidatableMessage {
    func violations() -> [ServiceError.FieldViolation] {
        id >= 0 ? [] : [ServiceError.FieldViolation(field: "id", description: "must not be negative", reason: "ID")]
    }
}
