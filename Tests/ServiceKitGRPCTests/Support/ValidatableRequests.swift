import ServiceKit
public import ServiceKitGRPC
import ServiceKitSampleAPI
import ServiceKitTestSupport

/// The checks of the sample's messages. The conformance holds for all tests of the package, which are one program: a test
/// turns the checks on.
enum RequestChecks {
    static let areOn = Shared(false)
}

extension User_V1_GetUserRequest: ValidatableMessage {
    func violations() -> [ServiceError.FieldViolation] {
        guard RequestChecks.areOn.value, id < 0 else { return [] }
        return [ServiceError.FieldViolation(field: "id", description: "must not be negative", reason: "ID")]
    }
}
