import Logging
import ServiceKitTesting
import Testing

@testable import ServiceKit

@Suite struct RecoveryTests {
    struct Foreign: ServiceErrorConvertible {
        var serviceError: ServiceError { ServiceError(.conflict, reason: "FOREIGN", message: "converted") }
    }

    let log = LogRecorder()
    var recovery: Recovery { Recovery(logger: log.logger()) }

    @Test func anUnknownErrorIsHiddenAndLogged() async throws {
        let error = await #expect(throws: ServiceError.self) {
            try await recovery.run(.served()) { _ in throw Failure("password of the database") }
        }
        #expect(error == ServiceError(.internalError, reason: "INTERNAL", message: "internal error"))
        let entry = try #require(log.entries.first)
        #expect(entry.level == .error && log.entries.count == 1)
        #expect(entry.metadata["path"] == "/user.v1.UserService/GetUser" && entry.metadata["peer"] == "10.0.0.1:5")
        #expect("\(entry.metadata["error"] ?? "")".contains("password of the database"))
    }

    @Test func errorsThatTravelPass() async {
        let notFound = ServiceError(.notFound, reason: "USER_NOT_FOUND", message: "there is no user 7")
        await #expect(throws: notFound) { try await recovery.run(.served()) { _ in throw notFound } }
        await #expect(throws: Foreign.self) { try await recovery.run(.served()) { _ in throw Foreign() } }
        await #expect(throws: CancellationError.self) {
            try await recovery.run(.served()) { _ in throw CancellationError() }
        }
        #expect(log.entries.isEmpty)
    }

    @Test func aClientsErrorsPass() async {
        await #expect(throws: Failure("mine")) { try await recovery.run(.made()) { _ in throw Failure("mine") } }
        #expect(log.entries.isEmpty)
    }

    @Test func serviceErrorsAreMadeOfOthers() {
        #expect(ServiceError(Foreign())?.reason == "FOREIGN")
        #expect(ServiceError(CancellationError())?.code == .cancelled)
        #expect(ServiceError(Failure("secret")) == nil)
        let error = ServiceError(.notFound, reason: "USER_NOT_FOUND", message: "there is no user 7")
        #expect("\(error)" == "404 USER_NOT_FOUND: there is no user 7")
    }
}
