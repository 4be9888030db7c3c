public import Logging
public import ServiceKitConfig
private import Synchronization

/// A registry in this process's memory, for tests and for programs that are client and server at once.
public final class MemoryRegistry: Registry, RegistryBackend {
    /// What stands under `registry.memory`: nothing.
    public struct Options: ConfigurationSection {
        /// There is nothing to choose.
        public init() {}
    }

    /// `memory`.
    public static let name = "memory"

    /// Makes a registry of its own: what is registered in one is not seen in another.
    public static func make(_ options: Options, logger: Logger) -> any Registry {
        MemoryRegistry()
    }

    private struct Service {
        let instances = Watched(InstanceSet())
        var watches = 0

        var isUnused: Bool { watches == 0 && instances.value.isEmpty }
    }

    private let services = Mutex<[String: Service]>([:])

    /// How many watches there are.
    let watches = Watched(0)
    /// How many services have instances or watches.
    var serviceCount: Int { services.withLock(\.count) }

    /// Creates an empty registry.
    public init() {}

    /// This machine.
    public var reach: RegistryReach { .machine }

    /// Registers an instance; see ``Registrar/register(_:)``.
    ///
    /// - Throws: ``RegistryError``: `alreadyRegistered` when the id is taken.
    public func register(_ instance: ServiceInstance) async throws -> any Registration {
        try instance.validate()
        try change(instance.name) { instances in
            guard instances[instance.id] == nil else {
                throw RegistryError(
                    code: .alreadyRegistered,
                    message: "memory registry: instance \"\(instance.id)\" of service \"\(instance.name)\" is already "
                        + "registered in this process; release that one, or register under another id"
                )
            }
            instances.update(instance)
        }
        return MemoryRegistration(instance, in: self)
    }

    /// The instances registered; see ``Discoverer/instances(of:)``.
    public func instances(of service: String) async throws -> InstanceSet {
        try ServiceInstance.validate(serviceName: service)
        return services.withLock { $0[service]?.instances.value ?? [] }
    }

    /// Follows a service; see ``Discoverer/watch(_:)``.
    public func watch(_ service: String) -> DiscoveryUpdates {
        DiscoveryUpdates(of: service) { [self] emit in
            let instances = services.withLock { services in
                services[service, default: Service()].watches += 1
                return services[service, default: Service()].instances
            }
            watches.update { $0 += 1 }
            for await current in instances.values {
                emit(DiscoverySnapshot(instances: current, state: .live))
            }
            services.withLock { services in
                services[service]?.watches -= 1
                if services[service]?.isUnused == true { services[service] = nil }
            }
            watches.update { $0 -= 1 }
        }
    }

    /// Changes the instances of a service, and forgets the service when nothing is left of it.
    fileprivate func change(_ service: String, _ body: (inout InstanceSet) throws -> Void) rethrows {
        try services.withLock { services in
            let entry = services[service, default: Service()]
            var instances = entry.instances.value
            try body(&instances)
            entry.instances.setIfChanged(instances)
            services[service] = entry.isUnused ? nil : entry
        }
    }
}

/// An instance in a memory registry.
private final class MemoryRegistration: Registration {
    private struct State {
        var instance: ServiceInstance
        var isDeregistered = false
    }

    let state = Watched(RegistrationState.registered)

    private let registry: MemoryRegistry
    private let current: Mutex<State>

    init(_ instance: ServiceInstance, in registry: MemoryRegistry) {
        self.registry = registry
        current = Mutex(State(instance: instance))
    }

    deinit {
        takeOut()
    }

    var instance: ServiceInstance { current.withLock(\.instance) }

    func update(_ instance: ServiceInstance) async throws {
        try current.withLock { current in
            try current.instance.validateUpdate(to: instance, isDeregistered: current.isDeregistered)
            current.instance = instance
            registry.change(instance.name) { $0.update(instance) }
        }
    }

    func deregister() async throws {
        takeOut()
    }

    func release() async {
        takeOut()
        state.finish()
    }

    private func takeOut() {
        current.withLock { current in
            guard !current.isDeregistered else { return }
            current.isDeregistered = true
            registry.change(current.instance.name) { $0.remove(id: current.instance.id) }
        }
        state.setIfChanged(.deregistered)
    }
}
