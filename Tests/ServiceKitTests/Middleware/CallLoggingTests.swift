import Logging
import ServiceKitTesting
import Testing

@testable import ServiceKit

@Suite struct CallLoggingTests {
    let log = LogRecorder()

    /// The one line of a call, without its duration.
    func line(_ call: Call, _ result: Result<CallResult, any Error>) async throws -> String {
        let outcome = await Result(catching: {
            try await CallLogging(logger: log.logger()).run(call) { _ in try result.get() }
        })
        switch (outcome, result) {
        case (.success, .success), (.failure, .failure): break
        default: Issue.record("logging changed the outcome")
        }
        #expect(log.entries.count == 1)
        let entry = try #require(log.entries.first)
        let duration = try #require(entry.metadata["ms"])
        #expect((Double("\(duration)") ?? -1) >= 0)
        return entry.description.replacing(" ms=\(duration)", with: "")
    }

    @Test func aServedCall() async throws {
        let line = try await line(.served(), .success(CallResult()))
        #expect(
            line == "info: call code=200 path=/user.v1.UserService/GetUser peer=10.0.0.1:5 side=server transport=grpc"
        )
    }

    @Test func aMadeCallNamesTheInstance() async throws {
        let instance = ServiceInstance(id: "user-1", name: "user-service")
        let line = try await line(.made("/a/b"), .success(CallResult(servedBy: instance)))
        #expect(
            line == "debug: call code=200 instance=user-1 path=/a/b peer=user-service side=client transport=grpc"
        )
    }

    @Test func aFailureOfTheCallers() async throws {
        let error = ServiceError(.notFound, reason: "USER_NOT_FOUND", message: "there is no user 7")
        let line = try await line(.served("/a/b"), .failure(error))
        #expect(
            line == "info: call code=404 error=there is no user 7 path=/a/b peer=10.0.0.1:5 reason=USER_NOT_FOUND "
                + "side=server transport=grpc"
        )
    }

    @Test func aFailureOfTheServices() async throws {
        let error = ServiceError(.unavailable, reason: "NO_INSTANCE", message: "none")
        let line = try await line(.made("/a/b"), .failure(error))
        #expect(line.hasPrefix("warning: call code=503 error=none"))
    }

    @Test func anErrorWithoutATravellingForm() async throws {
        let line = try await line(.served("/a/b"), .failure(Failure("odd")))
        #expect(line.hasPrefix("warning: call code=500 error=odd") && line.contains("reason=UNKNOWN"))
    }

    @Test func aCallThatWasGivenUp() async throws {
        let line = try await line(.made("/a/b"), .failure(CancellationError()))
        #expect(line.hasPrefix("debug: call code=499"))
    }

    @Test func belowTheLevelNothingIsLogged() async throws {
        var logger = log.logger()
        logger.logLevel = .notice
        _ = try await CallLogging(logger: logger).run(.served())
        #expect(log.entries.isEmpty)
    }
}

extension Result where Failure == any Error {
    /// What a body returns or throws.
    init(catching body: () async throws -> Success) async {
        do {
            self = .success(try await body())
        } catch {
            self = .failure(error)
        }
    }
}
