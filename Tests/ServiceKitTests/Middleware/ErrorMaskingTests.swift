import Logging
import ServiceKitTesting
import Testing

@testable import ServiceKit

@Suite struct ErrorMaskingTests {
    struct Foreign: ServiceErrorConvertible {
        var serviceError: ServiceError { ServiceError(.conflict, reason: "FOREIGN", message: "converted") }
    }

    let log = LogRecorder()
    var masking: ErrorMasking { ErrorMasking(logger: log.logger()) }

    @Test func anUnknownErrorIsMaskedAndLogged() async throws {
        let result = await masking.run(.served()) { _ in throw Failure("password of the database") }
        let masked = ServiceError(.internalError, reason: "INTERNAL", message: "internal error")
        #expect(result.error as? ServiceError == masked)
        let entry = try #require(log.entries.first)
        #expect(entry.level == .error && log.entries.count == 1)
        #expect(entry.metadata["operation"] == "/user.v1.UserService/GetUser" && entry.metadata["peer"] == "10.0.0.1:5")
        #expect("\(entry.metadata["error"] ?? "")".contains("password of the database"))
    }

    @Test func travellingErrorsPass() async {
        let notFound = ServiceError(.notFound, reason: "USER_NOT_FOUND", message: "there is no user 7")
        #expect(await masking.run(.served()) { _ in throw notFound }.error as? ServiceError == notFound)
        #expect(await masking.run(.served()) { _ in throw Foreign() }.error is Foreign)
        #expect(await masking.run(.served()) { _ in throw CancellationError() }.error is CancellationError)
        #expect(log.entries.isEmpty)
    }

    @Test func errorsOfMadeCallsPass() async {
        #expect(await masking.run(.made()) { _ in throw Failure("mine") }.error is Failure)
        #expect(log.entries.isEmpty)
    }

    @Test func otherErrorsConvertToServiceErrors() {
        #expect(ServiceError(Foreign())?.reason == "FOREIGN")
        #expect(ServiceError(CancellationError())?.code == .cancelled)
        #expect(ServiceError(Failure("secret")) == nil)
        let error = ServiceError(.notFound, reason: "USER_NOT_FOUND", message: "there is no user 7")
        #expect("\(error)" == "404 USER_NOT_FOUND: there is no user 7")
    }
}
