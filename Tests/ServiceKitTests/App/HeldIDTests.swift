import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKit

/// An id that another owner holds when an App starts.
@Suite(.timeLimit(.minutes(1)))
struct HeldIDTests {
    private static func held(for seconds: Int?) -> RegistryError {
        RegistryError(
            code: .alreadyRegistered,
            message: "registry: id in use (key /users/a); stop that one",
            endsWithin: seconds.map { .seconds($0) }
        )
    }

    // MARK: - The verdict

    @Test func expiringEntryIsWaitedFor() {
        var held = HeldID()
        for left in [4, 4, 3, 3, 2, 2, 1, 1, 0, 0] {
            #expect(!held.judged(Self.held(for: left)).isPermanent)
            held.waits(.milliseconds(500))
        }
    }

    @Test func renewedEntryHasALiveOwner() {
        var held = HeldID()
        #expect(!held.judged(Self.held(for: 12)).isPermanent)
        held.waits(.seconds(3))
        #expect(!held.judged(Self.held(for: 9)).isPermanent)
        held.waits(.seconds(1))
        let failure = held.judged(Self.held(for: 14))
        #expect(failure.isPermanent)
        #expect(failure.code == .alreadyRegistered)
        #expect(failure.endsWithin == nil)
        #expect(failure.message.contains("key /users/a"))
        #expect(failure.message.contains("its owner lives: it has renewed its entry in the last 4.0 seconds"))
    }

    @Test func heldIDWithoutAnExpiryFailsAtOnce() {
        var held = HeldID()
        #expect(held.judged(Self.held(for: nil)) == Self.held(for: nil))
        #expect(Self.held(for: nil).isPermanent)
        let denied = RegistryError(code: .permissionDenied, message: "no", endsWithin: .seconds(3))
        #expect(held.judged(denied).isPermanent)
    }

    // MARK: - In an App

    /// A registry in which a crashed owner holds an id for some seconds.
    private static func crashed(attempts: Int) -> FakeRegistry.Behavior {
        var behavior = FakeRegistry.Behavior()
        behavior.register = { attempt in
            if attempt <= attempts { throw held(for: (attempts - attempt) / 2) }
        }
        return behavior
    }

    @Test func appWaitsUntilTheEntryOfACrashedOwnerHasExpired() async throws {
        let test = try AppUnderTest(behavior: Self.crashed(attempts: 5))
        test.addServer()
        let running = try test.run()
        for attempt in 1...5 {
            _ = await test.registry.attempts.first { $0 == attempt }
            // The limit, and the wait between attempts.
            await test.pass(.milliseconds(500), whenSleeping: 2)
        }
        await test.serving()
        #expect(test.registry.attempts.value == 6)
        #expect(test.problems.count == 1, "it is said once")
        #expect(test.problems.first?.contains("id in use (key /users/a)") == true)
        await test.stopWithoutGap(running)
    }

    @Test func heldIDFailsAtTheTimeoutAndNamesTheRemainingTime() async throws {
        var behavior = FakeRegistry.Behavior()
        behavior.register = { _ in throw Self.held(for: 13) }
        let test = try AppUnderTest("registry: {timeout: 4s}", behavior: behavior)
        test.addServer()
        let running = try test.run()
        await test.pass(.seconds(4), whenSleeping: 2)
        #expect(
            await running.failure()
                == "cannot register within 4.0 seconds with the FakeRegistry registry: registry: id in use (key /users/a); "
                + "stop that one; with registry.timeout: 19s the start would wait until the other's entry ends; "
                + "registry.registration: background would serve all the same and register later"
        )
    }

    @Test func heldIDFailsWhenItsOwnerRenews() async throws {
        var behavior = FakeRegistry.Behavior()
        behavior.register = { attempt in throw Self.held(for: attempt < 4 ? 10 : 15) }
        let test = try AppUnderTest(behavior: behavior)
        test.addServer()
        let running = try test.run()
        for attempt in 1...3 {
            _ = await test.registry.attempts.first { $0 == attempt }
            await test.pass(.milliseconds(500), whenSleeping: 2)
        }
        #expect(await running.failure()?.contains("its owner lives") == true)
        #expect(test.registry.attempts.value == 4)
        #expect(test.events.all == ["grpc ready", "grpc drains", "grpc ended", "registry ended"])
    }
}
