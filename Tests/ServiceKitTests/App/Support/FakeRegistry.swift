import ServiceKit

/// A registry that does as a test says.
final class FakeRegistry: Registry {
    /// What it does when it is asked.
    struct Behavior: Sendable {
        /// Called for each attempt, counted from 1.
        var register: @Sendable (Int) async throws -> Void = { _ in }
        var deregister: @Sendable () async throws -> Void = {}
        var release: @Sendable () async -> Void = {}
        var end: @Sendable () async -> Void = {}
    }

    let reach: RegistryReach
    let registrations = Watched<[FakeRegistration]>([])
    let attempts = Watched(0)
    private let events: Events
    private let behavior: Behavior

    init(events: Events, reach: RegistryReach = .machine, behavior: Behavior = Behavior()) {
        self.events = events
        self.reach = reach
        self.behavior = behavior
    }

    func run() async {
        await untilCancelled()
        await behavior.end()
        events.record("registry ended")
    }

    func register(_ instance: ServiceInstance) async throws -> any Registration {
        let attempt = attempts.update { count in
            count += 1
            return count
        }
        try await behavior.register(attempt)
        events.record("registered")
        let registration = FakeRegistration(instance, events: events, behavior: behavior)
        registrations.update { $0.append(registration) }
        return registration
    }

    func instances(of service: String) async throws -> InstanceSet { [] }

    func watch(_ service: String) -> DiscoveryUpdates { DiscoveryUpdates { _ in await untilCancelled() } }
}

final class FakeRegistration: Registration {
    let instance: ServiceInstance
    let state = Watched(RegistrationState.registered)
    private let events: Events
    private let behavior: FakeRegistry.Behavior

    init(_ instance: ServiceInstance, events: Events, behavior: FakeRegistry.Behavior) {
        self.instance = instance
        self.events = events
        self.behavior = behavior
    }

    func update(_ instance: ServiceInstance) async throws {}

    func deregister() async throws {
        try await behavior.deregister()
        state.set(.deregistered)
        events.record("deregistered")
    }

    func release() async {
        await behavior.release()
        events.record("released\(Task.isCancelled ? " in a cancelled task" : "")")
        state.finish()
    }
}
