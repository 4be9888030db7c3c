import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKit

/// A stop that is requested while the App starts: no failure, and nothing is left running.
@Suite(.timeLimit(.minutes(1)))
struct AppStopDuringStartTests {
    @Test func stopDuringABeforeStartHookCancelsIt() async throws {
        let test = try AppUnderTest()
        test.addRecordingHooks()
        test.addServer()
        test.app.beforeStart {
            test.events.record("waiting")
            try await Gate().pass()
        }
        let running = try test.run()
        await test.events.wait(for: "waiting")
        try await running.stop()
        #expect(test.events.all == ["before-start, starting", "waiting", "after-stop, stopping"])
        #expect(test.problems == [])
    }

    @Test func stopDuringAHookThatIgnoresCancellationLeavesItBehind() async throws {
        let test = try AppUnderTest()
        let gate = Gate()
        test.addServer()
        test.app.beforeStart {
            test.events.record("waiting")
            await gate.passIgnoringCancellation()
            test.events.record("left behind")
        }
        let running = try test.run()
        await test.events.wait(for: "waiting")
        try await running.stop()
        #expect(test.events.all == ["waiting"])
        // A later event of the hook does not restart the App.
        gate.open()
        await test.events.wait(for: "left behind")
        #expect(test.app.health.value == .stopped)
    }

    @Test func stopWhileAServerIsNotReadyCutsIt() async throws {
        let test = try AppUnderTest()
        test.addRecordingHooks()
        test.addServer("http")
        test.addServer("grpc", port: 9001, readiness: Gate())
        let running = try test.run()
        await test.events.wait(for: "http ready")
        await running.requestStop()
        await test.events.wait(for: "grpc drains")
        await test.pass(.seconds(30))
        try await running.end()
        #expect(test.registry.attempts.value == 0)
        #expect(test.events.contains("http ended") && test.events.contains("grpc cut"))
        #expect(test.events.contains("before-stop, stopping"))
        #expect(!test.events.contains("after-start, starting"))
    }

    @Test func stopDuringRegistrationEndsTheAttempt() async throws {
        var behavior = FakeRegistry.Behavior()
        behavior.register = { _ in try await Gate().pass() }
        let test = try AppUnderTest(behavior: behavior)
        test.addServer()
        let running = try test.run()
        _ = await test.registry.attempts.first { $0 == 1 }
        try await running.stop()
        #expect(test.events.all == ["grpc ready", "grpc drains", "grpc ended", "registry ended"])
        #expect(test.problems == [])
    }

    @Test func stopDuringAnAfterStartHookCancelsIt() async throws {
        let test = try AppUnderTest("shutdown: {lame-duck: 0s}")
        test.addServer()
        test.app.afterStart {
            test.events.record("waiting")
            try await Gate().pass()
        }
        let running = try test.run()
        await test.events.wait(for: "waiting")
        try await running.stop()
        #expect(
            test.events.all == [
                "grpc ready", "registered", "waiting", "deregistered", "grpc drains", "grpc ended", "released",
                "registry ended",
            ]
        )
        #expect(test.problems == [])
    }

    @Test func stopBeforeTheStartEndsTheApp() async throws {
        let test = try AppUnderTest()
        let running = try test.run()
        running.force()
        #expect(await running.failure() == nil)
        #expect(test.app.health.value == .stopped)
    }

    @Test func errorAfterAStopRequestIsLoggedAndNotThrown() async throws {
        let test = try AppUnderTest("shutdown: {lame-duck: 0s}")
        let grpc = test.addServer(drainsAtOnce: false)
        let running = try await test.serve()
        await running.requestStop()
        await test.events.wait(for: "grpc drains")
        grpc.fail(Failure("reset"))
        #expect(await running.failure() == nil)
        #expect(test.problems == ["error: failed while stopping; going on (grpc server) reset"])
    }
}
