import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKit

/// How an App gets into the registry, and that it never stays there.
@Suite(.timeLimit(.minutes(1)))
struct AppRegistrationTests {
    static let unavailable = RegistryError(code: .unavailable, message: "registry: connection refused")

    /// A registry that refuses this many attempts.
    static func refusing(_ count: Int, with error: RegistryError = unavailable) -> FakeRegistry.Behavior {
        var behavior = FakeRegistry.Behavior()
        behavior.register = { attempt in if attempt <= count { throw error } }
        return behavior
    }

    @Test(arguments: [RegistryError.Code.alreadyRegistered, .permissionDenied, .invalidInstance, .unsupported])
    func permanentRegistrationErrorFailsAtOnce(code: RegistryError.Code) async throws {
        let error = RegistryError(code: code, message: "registry: no")
        let test = try AppUnderTest(behavior: Self.refusing(.max, with: error))
        test.addServer()
        let running = try test.run()
        #expect(await running.failure() == "registry: no")
        #expect(test.registry.attempts.value == 1)
        #expect(test.events.all == ["grpc ready", "grpc drains", "grpc ended", "registry ended"])
    }

    @Test func transientRegistrationErrorIsRetried() async throws {
        let test = try AppUnderTest(behavior: Self.refusing(2))
        test.addServer()
        let running = try test.run()
        // The limit, and the wait between attempts.
        await test.pass(.milliseconds(100), whenSleeping: 2)
        _ = await test.registry.attempts.first { $0 == 2 }
        await test.pass(.milliseconds(200), whenSleeping: 2)
        await test.serving()
        #expect(test.registry.attempts.value == 3)
        #expect(
            test.problems
                == ["warning: cannot register; trying again () registry: connection refused"], "it is said once"
        )
        await test.stopWithoutGap(running)
    }

    @Test func snapshotTellsTheCauseOfALostRegistration() async throws {
        let loss = Gate()
        var behavior = FakeRegistry.Behavior()
        behavior.register = { attempt in if attempt > 1 { throw Self.unavailable } }
        behavior.keep = {
            try await loss.pass()
            throw RegistryError(code: .lost, message: "registry: the entry was lost")
        }
        let test = try AppUnderTest(behavior: behavior)
        test.addServer()
        let running = try await test.serve()
        let registered = test.app.snapshot().registration
        #expect(registered?.state == .registered && registered?.lastContact == registered?.since)
        loss.open()
        let state = await test.app.registrationState.first { state in
            if case .lost = state { true } else { false }
        }
        #expect(state != nil)
        let snapshot = test.app.snapshot()
        #expect(snapshot.health == .serving)
        #expect(snapshot.registration?.state == .lost)
        #expect(snapshot.registration?.cause?.hasPrefix("registry: ") == true)
        #expect(snapshot.registration?.lastContact == registered?.lastContact)
        #expect(snapshot.servers.map(\.load) == [nil], "a server need not count")
        await test.stopWithoutGap(running)
    }

    @Test func registrationTimeoutNamesTheLastCause() async throws {
        let test = try AppUnderTest("registry: {timeout: 4s}", behavior: Self.refusing(.max))
        test.addServer()
        let running = try test.run()
        await test.pass(.seconds(4), whenSleeping: 2)
        #expect(
            await running.failure() == "cannot register within 4.0 seconds with the FakeRegistry registry: "
                + "registry: connection refused; "
                + "registry.registration: background would serve all the same and register later"
        )
        #expect(test.events.all == ["grpc ready", "grpc drains", "grpc ended", "registry ended"])
    }

    @Test func hangingRegistryFailsAtTheTimeoutAndReleasesALateRegistration() async throws {
        let gate = Gate()
        var behavior = FakeRegistry.Behavior()
        behavior.register = { _ in await gate.passIgnoringCancellation() }
        let test = try AppUnderTest(behavior: behavior)
        test.addServer()
        test.app.beforeStop { gate.open() }
        let running = try test.run()
        // Before that the clock may be slept on for the servers.
        _ = await test.registry.attempts.first { $0 == 1 }
        await test.pass(.seconds(20))
        let failure = await running.failure()
        #expect(
            failure?.hasPrefix(
                "cannot register within 20.0 seconds with the FakeRegistry registry, which has not answered")
                == true
        )
        // Given back by a task that is not cancelled, and before the registry ends.
        #expect(test.events.contains("registered") && test.events.contains("released"))
        #expect(test.events.all.last == "registry ended")
        #expect(!test.events.contains("deregistered"))
    }

    @Test func backgroundRegistrationServesAtOnceAndRegistersLater() async throws {
        let taken = RegistryError(code: .alreadyRegistered, message: "registry: id in use")
        let test = try AppUnderTest("registry: {registration: background}", behavior: Self.refusing(1, with: taken))
        test.addServer()
        let running = try await test.serve()
        let state = await test.app.registrationState.first { $0?.cause != nil }
        #expect(state == .registering(cause: taken))
        await test.pass(.milliseconds(100))
        _ = await test.app.registrationState.first { $0 == .registered }
        #expect(test.app.health.value == .serving)
        await test.stopWithoutGap(running)
        #expect(test.app.registrationState.value == .deregistered)
        #expect(
            test.events.all.suffix(5) == ["deregistered", "grpc drains", "grpc ended", "released", "registry ended"])
    }

    @Test func backgroundRegistrationEndsWithTheStop() async throws {
        let gate = Gate()
        var behavior = FakeRegistry.Behavior()
        behavior.register = { _ in await gate.passIgnoringCancellation() }
        let test = try AppUnderTest("registry: {registration: background}", behavior: behavior)
        test.addServer()
        test.app.beforeStop {
            gate.open()
            await test.events.wait(for: "released")
        }
        let running = try await test.serve()
        _ = await test.registry.attempts.first { $0 == 1 }
        try await running.stop()
        #expect(
            test.events.all == [
                "grpc ready", "registered", "released", "grpc drains", "grpc ended", "registry ended",
            ]
        )
        #expect(!test.log.entries.map(\.message).contains("registered"))
    }

    @Test func pauseBetweenAttemptsDoesNotDelayTheStop() async throws {
        let test = try AppUnderTest("registry: {registration: background}", behavior: Self.refusing(.max))
        test.addServer()
        let running = try await test.serve()
        await test.clock.waitForSleepers()
        try await running.stop()
        #expect(test.registry.attempts.value == 1)
    }

    @Test func lostRegistrationShowsInTheState() async throws {
        let loss = RegistryError(code: .lost, message: "lease expired")
        let gate = Gate()
        let keeps = Watched(0)
        var behavior = FakeRegistry.Behavior()
        behavior.keep = {
            let isFirst = keeps.update { count in
                count += 1
                return count == 1
            }
            if !isFirst { return await untilCancelled() }
            try await gate.pass()
            throw loss
        }
        let test = try AppUnderTest(behavior: behavior)
        test.addServer()
        let running = try await test.serve()
        gate.open()
        _ = await test.app.registrationState.first { $0 == .lost(cause: loss) }
        _ = await test.log.first { "\($0)".contains("registration lost; putting it back cause=lease expired") }
        await test.pass(.milliseconds(100))
        _ = await test.app.registrationState.first { $0 == .registered }
        _ = await test.log.first { $0.message == "registration restored" }
        await test.stopWithoutGap(running)
    }

    @Test(arguments: [("{}", nil), ("{started: long ago}", "long ago")] as [(String, String?)])
    func instanceHasItsStartTimeAsALabel(_ metadata: String, _ configured: String?) async throws {
        let test = try AppUnderTest(metadata: metadata)
        test.addServer()
        let running = try await test.serve()
        let started = try #require(test.registry.registrations.value.first?.instance.started)
        if let configured {
            #expect(started == configured)
        } else {
            #expect(started.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/) != nil, "\(started)")
        }
        await test.stopWithoutGap(running)
    }
}
