import GRPCCore
import ServiceKit
import Testing

@testable import ServiceKitGRPC

/// The mapping of errors, both ways.
@Suite struct ErrorMappingTests {
    @Test(arguments: [
        (400, RPCError.Code.invalidArgument), (401, .unauthenticated), (403, .permissionDenied), (404, .notFound),
        (409, .aborted), (412, .failedPrecondition), (429, .resourceExhausted), (499, .cancelled),
        (500, .internalError), (501, .unimplemented), (503, .unavailable), (504, .deadlineExceeded),
    ])
    func statusCodesMapBothWays(_ status: Int, _ code: RPCError.Code) {
        let error = ServiceError(.init(rawValue: status), reason: "REASON", message: "text", metadata: ["a": "b"])
        let travelling = RPCError(describing: error)
        #expect(travelling.code == code)
        #expect(travelling.message == "text")
        #expect(travelling.serviceError == error)
    }

    @Test(arguments: [402, 418, 422, 502]) func otherStatusesAreUnknown(_ status: Int) {
        let error = ServiceError(.init(rawValue: status), reason: "REASON", message: "text")
        #expect(RPCError(describing: error).code == .unknown)
    }

    @Test(arguments: [
        (RPCError.Code.alreadyExists, 409, "ALREADY_EXISTS"), (.outOfRange, 400, "OUT_OF_RANGE"),
        (.unknown, 500, "UNKNOWN"), (.dataLoss, 500, "DATA_LOSS"), (.internalError, 500, "INTERNAL"),
        (.notFound, 404, "NOT_FOUND"), (.unavailable, 503, "UNAVAILABLE"), (.cancelled, 499, "CANCELLED"),
        (.deadlineExceeded, 504, "DEADLINE_EXCEEDED"),
    ])
    func errorWithoutDetailsMapsByItsStatusCode(_ code: RPCError.Code, _ status: Int, _ reason: String) {
        let error = RPCError(code: code, message: "text").serviceError
        #expect(error == ServiceError(.init(rawValue: status), reason: reason, message: "text"))
    }

    @Test func unreadableDetailsAreLeftOut() {
        let metadata: Metadata = ["grpc-status-details-bin": .binary([255, 255, 255])]
        let error = RPCError(code: .notFound, message: "text", metadata: metadata).serviceError
        #expect(error == ServiceError(.notFound, reason: "NOT_FOUND", message: "text"))
    }

    @Test func errorsOfOtherTypesAreMapped() {
        struct Unknown: Error {}
        struct Convertible: ServiceErrorConvertible {
            let serviceError = ServiceError(.notFound, reason: "NONE", message: "none")
        }
        #expect(RPCError(describing: CancellationError()).code == .cancelled)
        #expect(RPCError(describing: Convertible()).serviceError == Convertible().serviceError)
        let unknown = RPCError(describing: Unknown())
        #expect(unknown.code == .unknown)
        #expect(unknown.cause is Unknown)
        let own = RPCError(code: .dataLoss, message: "own", metadata: ["a": "b"])
        #expect(RPCError(describing: own) == own)
    }
}
