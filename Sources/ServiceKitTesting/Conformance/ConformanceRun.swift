import ServiceKit
import ServiceKitConcurrency
import Synchronization

/// One run of one check: its service's name, its registries, and waits that end.
final class ConformanceRun: Sendable {
    let conformance: RegistryConformance
    /// A name that no other run uses.
    let service: String

    private let check: RegistryConformance.Check
    private let tasks = Mutex<[Task<Void, Never>]>([])
    private let registrations = Mutex<[any Registration]>([])

    init(_ conformance: RegistryConformance, _ check: RegistryConformance.Check) {
        self.conformance = conformance
        self.check = check
        service = "conformance-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
    }

    /// Another view of the registry.
    func registry() async throws -> any Registry {
        let registry = try await registryAtRest()
        start(registry)
        return registry
    }

    /// Another view of the registry, which does not run yet.
    func registryAtRest() async throws -> any Registry {
        try await within("making a registry", conformance.makeRegistry)
    }

    /// Runs a registry until the check has ended.
    func start(_ registry: any Registry) {
        // Unstructured, since a check is a straight line; finish() ends and awaits it.
        let task = Task { await registry.run() }
        tasks.withLock { $0.append(task) }
    }

    /// Another view of the registry, for an operator.
    func operating() async throws -> any RegistryOperator {
        let registry = try await registry()
        guard let result = registry as? any RegistryOperator else {
            throw failure("\(type(of: registry)) is no RegistryOperator; say so by hooks.isOperator = false")
        }
        return result
    }

    /// Follows a service, the check's unless another is given.
    func follow(_ registry: any Discoverer, _ service: String? = nil) -> Follower {
        let follower = Follower(registry.watch(service ?? self.service), run: self)
        tasks.withLock { $0.append(follower.task) }
        return follower
    }

    /// Registers an instance, and waits until it is registered. It is released at the latest when the run ends.
    @discardableResult
    func register(_ instance: ServiceInstance, in registry: any Registry) async throws -> any Registration {
        let registration = try await within("register()") { try await registry.registered(instance) }
        hold(registration)
        return registration
    }

    func hold(_ registration: any Registration) {
        registrations.withLock { $0.append(registration) }
    }

    /// Ends the check's tasks and registrations.
    func finish() async {
        let registrations = registrations.withLock { $0 }
        let tasks = tasks.withLock { $0 }
        // A backend that does not heed cancellation must not hold up the verdict.
        try? await within("ending the check") {
            for registration in registrations { await registration.release() }
            for task in tasks { task.cancel() }
            for task in tasks { await task.value }
        }
    }

    /// An instance of the check's service.
    func instance(
        _ id: String,
        of service: String? = nil,
        version: Int = 1,
        metadata: [String: String] = [:]
    ) -> ServiceInstance {
        ServiceInstance(
            id: id,
            name: service ?? self.service,
            version: "\(version)",
            metadata: metadata,
            endpoints: [Endpoint(scheme: "grpc", host: "127.0.0.1", port: 9000)]
        )
    }

    // MARK: - Demands

    func failure(_ message: String) -> ConformanceFailure {
        ConformanceFailure("\(conformance.name), check \"\(check)\": \(message)")
    }

    func expect(_ condition: Bool, _ message: @autoclosure () -> String) throws {
        if !condition { throw failure(message()) }
    }

    /// Demands that a registry lists these instances of a service.
    func expect(
        _ registry: any Discoverer,
        lists instances: [ServiceInstance],
        of service: String? = nil,
        _ when: String
    ) async throws {
        let service = service ?? self.service
        let found = try await within("listing \(when)") { try await registry.instances(of: service) }
        try expect(found == InstanceSet(instances), "\(when) the list is \(text(found)), not \(text(instances))")
    }

    /// Demands that something fails with an error of the registry's kind.
    func expect(
        _ code: RegistryError.Code,
        from what: String,
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        do {
            try await within(what, body)
        } catch let error as RegistryError {
            return try expect(error.code == code, "\(what) failed as \(error.code), not as \(code): \(error)")
        }
        throw failure("\(what) succeeded; expected the error \(code)")
    }

    /// Demands that something ends within the timeout.
    @discardableResult
    func within<Output: Sendable>(
        _ what: String,
        _ body: @escaping @Sendable () async throws -> Output
    ) async throws -> Output {
        do {
            // A body that does not heed cancellation is left behind, in a test that has failed.
            return try await withTimeLimit(conformance.timeout, body)
        } catch is TimeLimitExceeded {
            throw failure("\(what) did not end within \(conformance.timeout)")
        }
    }

    // MARK: - Failures' texts

    func text(_ instances: some Sequence<ServiceInstance>) -> String {
        let texts = instances.map { "\($0.id) (version \($0.version))" }.sorted()
        return texts.isEmpty ? "empty" : texts.prefix(5).joined(separator: ", ") + (texts.count > 5 ? ", …" : "")
    }
}

/// A watcher of a service that remembers all snapshots.
final class Follower: Sendable {
    let task: Task<Void, Never>
    private let seen = Watched<[DiscoverySnapshot]>([])
    private let run: ConformanceRun

    fileprivate init(_ updates: DiscoveryUpdates, run: ConformanceRun) {
        self.run = run
        task = Task { [seen] in
            for await snapshot in updates { seen.update { $0.append(snapshot) } }
        }
    }

    /// All states seen, the oldest first.
    var history: [DiscoverySnapshot] { seen.value }

    /// Waits until the latest state satisfies a condition.
    @discardableResult
    func wait(
        for what: String,
        until condition: @escaping @Sendable (DiscoverySnapshot) -> Bool
    ) async throws -> DiscoverySnapshot {
        do {
            let history = try await run.within("waiting for \(what)") { [seen] in
                await seen.first { $0.last.map(condition) ?? false }
            }
            guard let snapshot = history?.last else { throw run.failure("the watch ended before \(what)") }
            return snapshot
        } catch let failure as ConformanceFailure {
            let last = history.suffix(3).map { "\($0.state) \(run.text($0.instances))" }
            throw ConformanceFailure(
                "\(failure); of \(history.count) states seen the last are: \(last.joined(separator: "; "))"
            )
        }
    }

    /// Waits until the registry says that these are the instances.
    func wait(for instances: [ServiceInstance], _ what: String) async throws {
        let expected = InstanceSet(instances)
        try await wait(for: what) { $0.state.isLive && $0.instances == expected }
    }

    func stop() async throws {
        task.cancel()
        try await run.within("ending a watch") { [task] in await task.value }
    }
}
