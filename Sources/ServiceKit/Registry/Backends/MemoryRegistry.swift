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
        var owned: [String: OwnedInstance] = [:]
        var watches = 0

        var isUnused: Bool { watches == 0 && owned.isEmpty }
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
        try change(instance.id, of: instance.name) { owned in
            guard owned == nil else {
                throw RegistryError(
                    code: .alreadyRegistered,
                    message: "memory registry: instance \"\(instance.id)\" of service \"\(instance.name)\" is already "
                        + "registered in this process; release that one, or register under another id"
                )
            }
            owned = OwnedInstance(instance)
        }
        return MemoryRegistration(instance, in: self)
    }

    /// The instances registered; see ``Discoverer/instances(of:)``.
    public func instances(of service: String) async throws -> InstanceSet {
        try ServiceInstance.validate(serviceName: service)
        return services.withLock { $0[service]?.instances.value ?? [] }
    }

    /// The names of the services that have instances; see ``Discoverer/services()``.
    public func services() async throws -> [String] {
        services.withLock { services in services.filter { !$0.value.owned.isEmpty }.keys.sorted() }
    }

    /// Changes labels of an instance; see ``Registry/setMetadata(_:ofInstance:of:)``.
    ///
    /// - Throws: ``RegistryError``: `notFound` when it is not registered here.
    public func setMetadata(
        _ changes: [String: String?],
        ofInstance id: String,
        of service: String
    ) async throws -> ServiceInstance {
        try await changeMetadata(ofInstance: id, of: service) { _ in changes }
    }

    /// Changes labels of an instance by what they are now; see ``Registry/changeMetadata(ofInstance:of:_:)``.
    ///
    /// - Throws: ``RegistryError``: `notFound` when it is not registered here.
    public func changeMetadata(
        ofInstance id: String,
        of service: String,
        _ changes: @escaping @Sendable (ServiceInstance) throws -> [String: String?]
    ) async throws -> ServiceInstance {
        try ServiceInstance.validate(serviceName: service)
        return try change(id, of: service) { owned in
            guard let seen = owned?.published else { throw RegistryError.notFound(id, of: service, in: "memory") }
            let next = try seen.settingMetadata(try changes(seen))
            owned?.adopt(metadata: next.metadata)
            return next
        }
    }

    /// Refuses: whoever has registered an instance here keeps it; see ``Registry/removeInstance(_:of:)``.
    ///
    /// - Throws: ``RegistryError``.
    public func removeInstance(_ id: String, of service: String) async throws {
        guard try await instances(of: service)[id] != nil else {
            throw RegistryError.notFound(id, of: service, in: "memory")
        }
        throw RegistryError(
            code: .alreadyRegistered,
            message: "memory registry: instance \"\(id)\" of service \"\(service)\" belongs to this process; "
                + "release its registration"
        )
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

    /// An instance as others see it; `nil` when it is not registered.
    fileprivate func published(_ id: String, of service: String) -> ServiceInstance? {
        services.withLock { $0[service]?.owned[id]?.published }
    }

    /// Changes one instance of a service, and forgets the service when nothing is left of it.
    @discardableResult
    fileprivate func change<Result>(
        _ id: String,
        of service: String,
        _ body: (inout OwnedInstance?) throws -> Result
    ) rethrows -> Result {
        try services.withLock { services in
            var instance = services[service]?.owned[id]
            let result = try body(&instance)
            services[service, default: Service()].owned[id] = instance
            if let feed = services[service]?.instances {
                var instances = feed.value
                if let instance { instances.update(instance.published) } else { instances.remove(id: id) }
                feed.setIfChanged(instances)
            }
            if services[service]?.isUnused == true { services[service] = nil }
            return result
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

    var instance: ServiceInstance {
        current.withLock { current in
            if current.isDeregistered { return current.instance }
            return registry.published(current.instance.id, of: current.instance.name) ?? current.instance
        }
    }

    func update(_ instance: ServiceInstance) async throws {
        try current.withLock { current in
            try current.instance.validateUpdate(to: instance, isDeregistered: current.isDeregistered)
            current.instance = instance
            registry.change(instance.id, of: instance.name) { $0?.wanted = instance }
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
            registry.change(current.instance.id, of: current.instance.name) { $0 = nil }
        }
        state.setIfChanged(.deregistered)
    }
}
