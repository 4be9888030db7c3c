import Logging
import ServiceKitConcurrency
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKit

/// A stop in which something fails or hangs: each step ends at its limit, is logged, and the rest still runs.
@Suite(.timeLimit(.minutes(1)))
struct AppStopFailureTests {
    static let withoutGap = "shutdown: {lame-duck: 0s}"

    @Test func throwingHooksDoNotEndTheStop() async throws {
        let test = try AppUnderTest(Self.withoutGap)
        test.addServer()
        test.app.beforeStop { throw Failure("first") }
        test.app.beforeStop { test.events.record("second hook") }
        test.app.afterStop { throw Failure("third") }
        let running = try await test.serve()
        try await running.stop()
        #expect(
            test.events.all.dropFirst(2) == [
                "second hook", "deregistered", "grpc drains", "grpc ended", "released", "registry ended",
            ]
        )
        #expect(
            test.problems == [
                "error: failed while stopping; going on (before-stop hook 1 of 2) before-stop hook 1 of 2: first",
                "error: failed while stopping; going on (after-stop hook) after-stop hook: third",
            ]
        )
    }

    @Test func hangingHookIsLeftBehindAtItsLimit() async throws {
        let test = try AppUnderTest(Self.withoutGap)
        let gate = Gate()
        defer { gate.open() }
        test.addServer()
        test.app.beforeStop { await gate.passIgnoringCancellation() }
        test.app.beforeStop { test.events.record("second hook") }
        let running = try await test.serve()
        await running.requestStop()
        await test.pass(.seconds(10))
        try await running.end()
        #expect(test.events.contains("second hook") && test.events.contains("released"))
        #expect(
            test.problems == [
                "error: failed while stopping; going on (before-stop hook 1 of 2) "
                    + "before-stop hook 1 of 2 took longer than 10.0 seconds"
            ]
        )
    }

    @Test func failedDeregistrationDoesNotEndTheStop() async throws {
        var behavior = FakeRegistry.Behavior()
        behavior.deregister = { throw RegistryError(code: .unavailable, message: "registry: connection refused") }
        let test = try AppUnderTest(Self.withoutGap, behavior: behavior)
        test.addServer()
        let running = try await test.serve()
        try await running.stop()
        #expect(test.events.all.suffix(4) == ["grpc drains", "grpc ended", "released", "registry ended"])
        #expect(
            test.problems == [
                "error: failed while stopping; going on (deregistering) deregistering: registry: connection refused"
            ]
        )
        #expect(test.app.registrationState.value == .deregistered)
    }

    @Test func hangingDeregistrationIsLeftBehindAtItsLimit() async throws {
        let gate = Gate()
        defer { gate.open() }
        var behavior = FakeRegistry.Behavior()
        behavior.deregister = { await gate.passIgnoringCancellation() }
        let test = try AppUnderTest(Self.withoutGap, behavior: behavior)
        test.addServer()
        let running = try await test.serve()
        await running.requestStop()
        await test.pass(.seconds(5))
        try await running.end()
        #expect(test.events.all.suffix(4) == ["grpc drains", "grpc ended", "released", "registry ended"])
        #expect(test.problems.count == 1)
        #expect(test.problems.first?.hasSuffix("deregistering took longer than 5.0 seconds") == true)
    }

    @Test func hangingReleaseAndRegistryAreLeftBehindAtTheirLimits() async throws {
        let gate = Gate()
        defer { gate.open() }
        let events = Events()
        var behavior = FakeRegistry.Behavior()
        behavior.release = {
            events.record("releasing")
            await gate.passIgnoringCancellation()
        }
        behavior.end = {
            events.record("ending")
            await gate.passIgnoringCancellation()
        }
        let test = try AppUnderTest(Self.withoutGap, behavior: behavior)
        test.addServer()
        test.app.afterStop { events.record("after-stop") }
        let running = try await test.serve()
        await running.requestStop()
        await events.wait(for: "releasing")
        await test.pass(.seconds(5))
        await events.wait(for: "ending")
        await test.pass(.seconds(5))
        try await running.end()
        #expect(events.all == ["releasing", "ending", "after-stop"])
        #expect(
            test.problems.map { $0.split(separator: ") ").last } == [
                "giving back the registration took longer than 5.0 seconds",
                "ending the registry took longer than 5.0 seconds",
            ]
        )
    }

    @Test func hangingDrainIsCut() async throws {
        let test = try AppUnderTest("shutdown: {lame-duck: 0s, drain-timeout: 20s}")
        test.addServer(drainsAtOnce: false)
        let running = try await test.serve()
        await running.requestStop()
        await test.events.wait(for: "grpc drains")
        await test.pass(.seconds(20))
        try await running.end()
        #expect(test.events.all.suffix(4) == ["grpc drains", "grpc cut", "released", "registry ended"])
        #expect(
            test.problems == [
                "error: failed while stopping; going on (draining) draining took longer than 20.0 seconds"
            ]
        )
    }

    @Test func serverThatCannotBeCutIsLeftBehind() async throws {
        let gate = Gate()
        defer { gate.open() }
        let test = try AppUnderTest(Self.withoutGap)
        test.addServer(drainsAtOnce: false, stuck: gate)
        let running = try await test.serve()
        await running.requestStop()
        await test.events.wait(for: "grpc drains")
        await test.pass(.seconds(30))
        await test.events.wait(for: "grpc cut")
        await test.pass(.seconds(2))
        try await running.end()
        #expect(test.events.contains("released"))
        #expect(test.problems.last?.hasSuffix("cutting calls took longer than 2.0 seconds") == true)
    }

    @Test func hangingServiceIsCancelledAndLeftBehind() async throws {
        let gate = Gate()
        defer { gate.open() }
        let test = try AppUnderTest()
        test.app.add(FakeService(events: test.events, ignoresShutdown: true, stuck: gate))
        let running = try await test.serve()
        await test.events.wait(for: "service started")
        await running.requestStop()
        await test.events.wait(for: "service shut down")
        await test.pass(.seconds(30))
        await test.events.wait(for: "service cancelled")
        await test.pass(.seconds(2))
        try await running.end()
        #expect(test.events.all.last == "registry ended")
        #expect(
            test.problems.map { $0.split(separator: ") ").last } == [
                "stopping services took longer than 30.0 seconds", "cancelling services took longer than 2.0 seconds",
            ]
        )
    }

    @Test func serviceThatFailsDuringShutdownIsLogged() async throws {
        let test = try AppUnderTest()
        let service = FakeService(events: test.events, ignoresShutdown: true)
        test.app.add(service)
        let running = try await test.serve()
        await test.events.wait(for: "service started")
        await running.requestStop()
        await test.events.wait(for: "service shut down")
        service.end.resolve(.failure(Failure("half written")))
        try await running.end()
        #expect(
            test.problems == [
                "error: failed while stopping; going on (service FakeService) service FakeService: half written"
            ]
        )
    }

    // MARK: - Forced

    @Test func forcedStopStillDeregistersAndReleases() async throws {
        let test = try AppUnderTest("shutdown: {lame-duck: 1h}")
        test.addServer(drainsAtOnce: false)
        test.app.add(FakeService(events: test.events))
        test.app.beforeStop {
            test.events.record("hook")
            try await Gate().pass()
        }
        test.app.afterStop { test.events.record("after-stop") }
        let running = try await test.serve()
        await test.events.wait(for: "service started")
        await running.requestStop()
        await test.events.wait(for: "hook")
        running.force()
        try await running.end()
        #expect(
            test.events.all.suffix(6) == [
                "hook", "deregistered", "grpc cut", "service cancelled", "released", "registry ended",
            ]
        )
        #expect(
            test.problems == [
                "warning: cut short (before-stop hook) ",
                "warning: left out because the stop is forced (lame duck) ",
                "warning: left out because the stop is forced (draining) ",
                "warning: left out because the stop is forced (stopping services) ",
                "warning: left out because the stop is forced (after-stop hook) ",
            ]
        )
    }

    @Test func forcedStopCutsTheLameDuckGap() async throws {
        let test = try AppUnderTest("shutdown: {lame-duck: 1h}")
        test.addServer()
        let running = try await test.serve()
        await running.requestStop()
        await test.clock.waitForSleepers(2)
        running.force()
        try await running.end()
        #expect(test.events.all.suffix(3) == ["grpc cut", "released", "registry ended"])
        #expect(test.problems.first == "warning: cut short (lame duck) ")
    }

    @Test func forcedStopCutsTheDrain() async throws {
        let test = try AppUnderTest(Self.withoutGap)
        test.addServer(drainsAtOnce: false)
        let running = try await test.serve()
        await running.requestStop()
        await test.events.wait(for: "grpc drains")
        running.force()
        try await running.end()
        #expect(test.events.all.suffix(3) == ["grpc cut", "released", "registry ended"])
    }

    @Test func cancellationForcesTheStop() async throws {
        let test = try AppUnderTest("shutdown: {lame-duck: 1h}")
        test.addServer(drainsAtOnce: false)
        test.app.beforeStop { test.events.record("hook") }
        let running = try await test.serve()
        running.cancel()
        _ = await running.failure()
        #expect(
            test.events.all == ["grpc ready", "registered", "deregistered", "grpc cut", "released", "registry ended"])
    }
}
