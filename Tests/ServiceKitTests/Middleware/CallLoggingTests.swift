import Logging
import ServiceKitTesting
import Testing

@testable import ServiceKit

@Suite struct CallLoggingTests {
    let log = LogRecorder()
    let node = Node(
        instance: ServiceInstance(id: "user-1", name: "user-service"),
        endpoint: Endpoint(scheme: "grpc", host: "10.0.0.2", port: 5)
    )

    /// The one line of a call, without its duration.
    func line(_ call: Call, _ result: CallResult) async throws -> String {
        let logged = await CallLogging(logger: log.logger()).run(call) { _ in result }
        #expect((logged.error == nil) == (result.error == nil), "logging changed the outcome")
        #expect(log.entries.count == 1)
        let entry = try #require(log.entries.first)
        let duration = try #require(entry.metadata["ms"])
        #expect((Double("\(duration)") ?? -1) >= 0)
        return entry.description.replacing(" ms=\(duration)", with: "")
    }

    @Test func aServedCallIsLoggedAtInfo() async throws {
        let line = try await line(.served(), CallResult())
        #expect(
            line
                == "info: call code=200 operation=/user.v1.UserService/GetUser peer=10.0.0.1:5 side=server transport=grpc"
        )
    }

    @Test func aMadeCallIsLoggedAtDebugWithItsInstance() async throws {
        let line = try await line(.made("/a/b"), CallResult(node: node, attempts: 1))
        #expect(
            line == "debug: call code=200 instance=user-1 operation=/a/b peer=user-service side=client transport=grpc"
        )
    }

    @Test func a4xxIsLoggedAtInfo() async throws {
        let error = ServiceError(.notFound, reason: "USER_NOT_FOUND", message: "there is no user 7")
        let line = try await line(.served("/a/b"), CallResult(error: error))
        #expect(
            line == "info: call code=404 error=there is no user 7 operation=/a/b peer=10.0.0.1:5 reason=USER_NOT_FOUND "
                + "side=server transport=grpc"
        )
    }

    @Test func a5xxIsLoggedAtWarning() async throws {
        let error = ServiceError(.unavailable, reason: "NO_INSTANCE", message: "none")
        let line = try await line(.made("/a/b"), CallResult(error: error))
        #expect(line.hasPrefix("warning: call code=503 error=none"))
    }

    @Test func aFailedCallNamesTheInstanceAndTheAttempts() async throws {
        let error = ServiceError(.unavailable, reason: "DOWN", message: "down")
        let line = try await line(.made("/a/b"), CallResult(error: error, node: node, attempts: 3))
        #expect(line.hasPrefix("warning: call attempts=3 code=503 error=down instance=user-1 operation=/a/b"))
    }

    @Test func anErrorWithoutATravellingFormIsLoggedAs500() async throws {
        let line = try await line(.served("/a/b"), CallResult(error: Failure("odd")))
        #expect(line.hasPrefix("warning: call code=500 error=odd") && line.contains("reason=UNKNOWN"))
    }

    @Test func aCancelledCallIsLoggedAs499() async throws {
        let line = try await line(.made("/a/b"), CallResult(error: CancellationError()))
        #expect(line.hasPrefix("debug: call code=499"))
    }

    @Test func belowTheLevelNothingIsLogged() async throws {
        var logger = log.logger()
        logger.logLevel = .notice
        _ = await CallLogging(logger: logger).run(.served())
        #expect(log.entries.isEmpty)
    }
}
