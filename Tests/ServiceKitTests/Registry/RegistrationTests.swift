import Logging
import ServiceKitTestSupport
import ServiceKitTesting
import Synchronization
import Testing

@testable import ServiceKit

/// How a registration is kept, with every failure of a registry.
@Suite(.timeLimit(.minutes(1)))
struct RegistrationTests {
    /// An entry that the test controls. It records the calls.
    private final class ScriptedEntry: RegistryEntry {
        let calls = Watched<[String]>([])
        /// The outcome of each write; `nil` for a success.
        let failure = Watched<RegistryError?>(nil)
        /// Ends the keeping.
        let loss = Watched<RegistryError?>(nil)
        let writes = Gate()
        let isOverlapping = Atomic(false)
        private let isBusy = Atomic(false)

        init(open: Bool = true) {
            if open { writes.open() }
        }

        private func call(_ name: String, _ body: () async throws -> Void = {}) async throws {
            if isBusy.exchange(true, ordering: .relaxed) { isOverlapping.store(true, ordering: .relaxed) }
            defer { isBusy.store(false, ordering: .relaxed) }
            calls.update { $0.append(name) }
            await Task.yield()
            try await body()
        }

        func write(_ instance: KeptInstance) async throws {
            try await call("write \(instance.published.version)") {
                try await writes.pass()
                if let failure = failure.value { throw failure }
            }
        }

        func keep(_ instance: KeptInstance) async throws {
            if let loss = await loss.first(where: { $0 != nil }) ?? nil { throw loss }
        }

        func remove() async throws {
            try await call("remove")
            if let failure = failure.value { throw failure }
        }

        func release() async throws {
            try await call("release\(Task.isCancelled ? ", cancelled" : "")")
        }
    }

    private static let unavailable = RegistryError(code: .unavailable, message: "registry: connection refused")
    private static let taken = RegistryError(code: .alreadyRegistered, message: "registry: id in use")

    private let log = LogRecorder()
    private let clock = TestClock()

    private func register(_ entry: ScriptedEntry) throws -> KeptRegistration {
        try KeptRegistration(instance("a"), in: entry, logger: log.logger(), clock: clock)
    }

    private func pass() async {
        await clock.waitForSleepers()
        clock.advance(by: .seconds(5))
    }

    @Test func registeringReturnsBeforeTheRegistryAnswers() async throws {
        let entry = ScriptedEntry(open: false)
        let registration = try register(entry)
        _ = await entry.calls.first { !$0.isEmpty }
        #expect(registration.state.value == .registering(cause: nil))
        entry.writes.open()
        try await registration.waitUntilRegistered()
        #expect(registration.state.value == .registered)
        await registration.release()
        #expect(entry.calls.value == ["write 1", "release"])
    }

    @Test func anInvalidInstanceIsRefusedAtOnce() {
        let error = #expect(throws: RegistryError.self) {
            try KeptRegistration(instance("a/b"), in: ScriptedEntry(), logger: log.logger())
        }
        #expect(error?.code == .invalidInstance)
    }

    @Test func failedAttemptsAreRepeatedAndLoggedOnce() async throws {
        let entry = ScriptedEntry()
        entry.failure.set(Self.taken)
        let registration = try register(entry)
        for attempt in 1...4 {
            _ = await entry.calls.first { $0.count == attempt }
            _ = await registration.state.first { $0 == .registering(cause: Self.taken) }
            await pass()
        }
        entry.failure.set(Self.unavailable)
        _ = await registration.state.first { $0 == .registering(cause: Self.unavailable) }
        entry.failure.set(nil)
        await pass()
        try await registration.waitUntilRegistered()
        // `waitUntilRegistered` throws a refusal, which is not logged as a warning as well.
        #expect(
            log.entries.filter { $0.level >= .warning }.map { "\($0.metadata["cause"] ?? "")" } == [
                Self.unavailable.message
            ])
        await registration.release()
    }

    @Test func permanentFailureEndsTheWaitAndTheRegistrationGoesOn() async throws {
        let entry = ScriptedEntry()
        entry.failure.set(Self.taken)
        let registration = try register(entry)
        await #expect(throws: Self.taken) { try await registration.waitUntilRegistered() }
        entry.failure.set(nil)
        await pass()
        _ = await registration.state.first { $0 == .registered }
        await registration.release()
    }

    @Test func lostEntryShowsInTheStateAndIsPutBack() async throws {
        let entry = ScriptedEntry()
        let registration = try register(entry)
        try await registration.waitUntilRegistered()
        let loss = RegistryError(code: .lost, message: "registry: the key was deleted")
        entry.loss.set(loss)
        _ = await registration.state.first { $0 == .lost(cause: loss) }
        entry.loss.set(nil)
        await pass()
        try await registration.waitUntilRegistered()
        #expect(entry.calls.value == ["write 1", "write 1"])
        await registration.release()
    }

    @Test func entryLostRepeatedlyIsPutBackWithGrowingPauses() {
        let loss = RegistryError(code: .lost, message: "registry: the key was deleted")
        var attempts = RegistrationAttempts()
        let pauses = (1...200).map { _ in attempts.lost(loss, heldFor: .milliseconds(1)) }
        #expect(pauses.prefix(1).allSatisfy { $0 <= .milliseconds(100) })
        #expect(pauses.contains { $0 > .seconds(1) })
        #expect(attempts.lost(loss, heldFor: .seconds(60)) <= .milliseconds(100))
        #expect(attempts.lost(Self.unavailable, heldFor: .zero) <= .seconds(1))
    }

    @Test func anUpdateIsWrittenBeforeItReturns() async throws {
        let entry = ScriptedEntry()
        let registration = try register(entry)
        try await registration.waitUntilRegistered()
        try await registration.update(instance("a", version: "2"))
        #expect(entry.calls.value == ["write 1", "write 2"])
        #expect(registration.state.value == .registered)
        await registration.release()
    }

    @Test func failedUpdateIsWrittenLater() async throws {
        let entry = ScriptedEntry()
        let registration = try register(entry)
        try await registration.waitUntilRegistered()
        entry.failure.set(Self.unavailable)
        let next = instance("a", version: "2")
        await #expect(throws: Self.unavailable) { try await registration.update(next) }
        #expect(registration.state.value == .lost(cause: Self.unavailable))
        #expect(registration.instance == next)
        entry.failure.set(nil)
        await pass()
        _ = await registration.state.first { $0 == .registered }
        #expect(entry.calls.value.last == "write 2")
        await registration.release()
    }

    /// It does not wait for the pause between two attempts.
    @Test func updateDoesNotWaitForThePause() async throws {
        let entry = ScriptedEntry()
        entry.failure.set(Self.unavailable)
        let registration = try register(entry)
        _ = await registration.state.first { $0.cause != nil }
        entry.failure.set(nil)
        try await registration.update(instance("a", version: "2"))
        #expect(registration.state.value == .registered)
        #expect(entry.calls.value == ["write 1", "write 2"])
        await registration.release()
    }

    @Test func callsOfAnEntryNeverOverlap() async throws {
        let entry = ScriptedEntry()
        let registration = try register(entry)
        await withTaskGroup(of: Void.self) { group in
            for version in 1...50 {
                group.addTask { try? await registration.update(instance("a", version: "\(version)")) }
            }
            for _ in 1...5 { group.addTask { try? await registration.deregister() } }
        }
        await registration.release()
        let isOverlapping = entry.isOverlapping.load(ordering: .relaxed)
        #expect(!isOverlapping)
        let calls = entry.calls.value
        let removal = try #require(calls.firstIndex(of: "remove"))
        #expect(!calls[removal...].contains { $0.hasPrefix("write") })
        #expect(calls.last == "release")
    }

    @Test func deregisteringEndsAnAttemptUnderWay() async throws {
        let entry = ScriptedEntry(open: false)
        let registration = try register(entry)
        _ = await entry.calls.first { !$0.isEmpty }
        try await registration.deregister()
        #expect(registration.state.value == .deregistered)
        await registration.release()
        #expect(entry.calls.value == ["write 1", "remove", "release"])
    }

    @Test func failedDeregistrationCanBeRepeated() async throws {
        let entry = ScriptedEntry()
        let registration = try register(entry)
        try await registration.waitUntilRegistered()
        entry.failure.set(Self.unavailable)
        await #expect(throws: Self.unavailable) { try await registration.deregister() }
        entry.failure.set(nil)
        try await registration.deregister()
        await registration.release()
        try await registration.deregister()
        #expect(entry.calls.value == ["write 1", "remove", "remove", "release"])
        let error = await #expect(throws: RegistryError.self) { try await registration.update(instance("a")) }
        #expect(error?.code == .unsupported)
    }

    @Test func statesEndWithTheRelease() async throws {
        let registration = try register(ScriptedEntry())
        async let states = registration.state.values.reduce(into: []) { $0.append($1) }
        try await registration.waitUntilRegistered()
        await registration.release()
        await registration.release()
        #expect(await states.last == .deregistered)
        await #expect(throws: CancellationError.self) { try await registration.waitUntilRegistered() }
    }

    @Test func cancelledTaskStillReleases() async throws {
        let entry = ScriptedEntry()
        let registration = try register(entry)
        try await registration.waitUntilRegistered()
        let task = Task {
            await untilCancelled()
            await registration.release()
        }
        task.cancel()
        await task.value
        #expect(entry.calls.value == ["write 1", "release"])
    }

    @Test func aRegistrationThatIsDroppedIsReleased() async throws {
        let entry = ScriptedEntry()
        let box = Watched<KeptRegistration?>(try register(entry))
        try await box.value?.waitUntilRegistered()
        box.set(nil)
        _ = await entry.calls.first { $0.last == "release" }
    }
}
