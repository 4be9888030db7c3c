import GRPCCore
import ServiceKit
import ServiceKitSampleAPI
import Testing

@testable import ServiceKitGRPC

/// The generated makers and predicates of errors, on errors that have come over gRPC and on others.
@Suite struct ErrorReasonTests {
    @Test func theMakerHasCodeAndReasonOfTheEnum() {
        let error = User_V1_UserError.userNotFound("there is no user 7", metadata: ["id": "7"])
        #expect(
            error
                == ServiceError(
                    .notFound, reason: "USER_NOT_FOUND", message: "there is no user 7", metadata: ["id": "7"]))
        #expect(User_V1_UserError.storeFull("full").code == .tooManyRequests)
    }

    @Test func thePredicateKnowsTheErrorHereAndOverGRPC() {
        let error = User_V1_UserError.userNotFound("there is no user 7")
        let received = RPCError(describing: error)
        #expect(User_V1_UserError.isUserNotFound(error))
        #expect(User_V1_UserError.isUserNotFound(received))
        #expect(!User_V1_UserError.isNameMissing(received))
    }

    @Test func anotherCodeOrReasonIsAnotherError() {
        let otherCode = ServiceError(.conflict, reason: "USER_NOT_FOUND", message: "")
        let otherReason = ServiceError(.notFound, reason: "NOT_FOUND", message: "")
        for error in [otherCode, otherReason] as [any Error] + [RPCError(describing: otherCode), CancellationError()] {
            #expect(!User_V1_UserError.isUserNotFound(error))
        }
    }

    /// gRPC has no code for 410: it comes back as 500.
    @Test(arguments: [402, 404, 410, 418, 500, 502, 600]) func aCodeThatGRPCLacksIsKnownToo(_ status: Int) {
        let code = ServiceError.Code(rawValue: status)
        let received = RPCError(describing: ServiceError(code, reason: "GONE", message: ""))
        #expect(ServiceError.matches(received, code: code, reason: "GONE"))
        #expect(!ServiceError.matches(received, code: .conflict, reason: "GONE"))
    }
}
