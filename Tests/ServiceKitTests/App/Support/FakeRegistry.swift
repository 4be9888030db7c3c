import Logging
import ServiceKit
import ServiceKitTesting
import Synchronization

/// A registry that the test controls.
final class FakeRegistry: Registry {
    /// The registry's answer to each attempt.
    struct Behavior: Sendable {
        /// Called for each attempt, counted from 1.
        var register: @Sendable (Int) async throws -> Void = { _ in }
        /// Ends when the entry is lost.
        var keep: @Sendable () async throws -> Void = { await untilCancelled() }
        var deregister: @Sendable () async throws -> Void = {}
        var release: @Sendable () async -> Void = {}
        var end: @Sendable () async -> Void = {}
    }

    let reach: RegistryReach
    let registrations = Watched<[any Registration]>([])
    let attempts = Watched(0)
    private let events: Events
    private let behavior: Behavior
    private let logger: Logger
    private let clock: TestClock

    init(
        events: Events,
        reach: RegistryReach = .machine,
        behavior: Behavior = Behavior(),
        logger: Logger,
        clock: TestClock
    ) {
        self.events = events
        self.reach = reach
        self.behavior = behavior
        self.logger = logger
        self.clock = clock
    }

    func run() async {
        await untilCancelled()
        await behavior.end()
        events.record("registry ended")
    }

    func register(_ instance: ServiceInstance) throws(RegistryError) -> any Registration {
        let entry = FakeEntry(attempts: attempts, events: events, behavior: behavior)
        let registration = try KeptRegistration(instance, in: entry, logger: logger, clock: clock)
        registrations.update { $0.append(registration) }
        return registration
    }

    func instances(of service: String) async throws -> InstanceSet { [] }

    func watch(_ service: String) -> DiscoveryUpdates { DiscoveryUpdates { _ in await untilCancelled() } }
}

private final class FakeEntry: RegistryEntry {
    private let attempts: Watched<Int>
    private let events: Events
    private let behavior: FakeRegistry.Behavior
    private let isWritten = Atomic(false)

    init(attempts: Watched<Int>, events: Events, behavior: FakeRegistry.Behavior) {
        self.attempts = attempts
        self.events = events
        self.behavior = behavior
    }

    func write(_ instance: KeptInstance) async throws {
        let attempt = attempts.update { count in
            count += 1
            return count
        }
        try await behavior.register(attempt)
        isWritten.store(true, ordering: .relaxed)
        events.record("registered")
    }

    func keep(_ instance: KeptInstance) async throws {
        try await behavior.keep()
    }

    func remove() async throws {
        try await behavior.deregister()
        events.record("deregistered")
    }

    func release() async throws {
        guard isWritten.load(ordering: .relaxed) else { return }
        await behavior.release()
        events.record("released\(Task.isCancelled ? " in a cancelled task" : "")")
    }
}
