public import Logging
public import ServiceKitConfig
private import Synchronization

/// A registry in this process's memory, for tests and for programs that are client and server at once.
public final class MemoryRegistry: Registry, RegistryOperator, RegistryBackend {
    /// The section `registry.memory`, which is empty.
    public struct Options: ConfigurationSection {
        /// There is nothing to choose.
        public init() {}
    }

    /// `memory`.
    public static let name = "memory"

    /// Makes a registry of its own, which shares no instance with another.
    public static func make(_ options: Options, logger: Logger) -> any Registry {
        MemoryRegistry(logger: logger)
    }

    fileprivate struct Held {
        let owner: MemoryEntry
        let instance: KeptInstance
    }

    private struct Service {
        let instances = Watched(InstanceSet())
        var entries: [String: Held] = [:]
        var watches = 0

        var isUnused: Bool { watches == 0 && entries.isEmpty }
    }

    private let services = Mutex<[String: Service]>([:])

    /// How many watches there are.
    let watches = Watched(0)
    /// How many services have instances or watches.
    var serviceCount: Int { services.withLock(\.count) }

    private let logger: Logger

    /// Creates an empty registry.
    ///
    /// - Parameter logger: Where registrations are logged.
    public init(logger: Logger = Logger(label: "servicekit.registry.memory")) {
        self.logger = logger
    }

    /// This machine.
    public var reach: RegistryReach { .machine }

    /// Registers an instance; see ``Registrar/register(_:)``.
    public func register(_ instance: ServiceInstance) throws(RegistryError) -> any Registration {
        try KeptRegistration(instance, in: MemoryEntry(self, instance), logger: logger)
    }

    /// The instances registered; see ``Discoverer/instances(of:)``.
    public func instances(of service: String) async throws -> InstanceSet {
        try ServiceInstance.validate(serviceName: service)
        return services.withLock { $0[service]?.instances.value ?? [] }
    }

    /// The names of the services that have instances; see ``Discoverer/services()``.
    public func services() async throws -> [String] {
        services.withLock { services in services.filter { !$0.value.entries.isEmpty }.keys.sorted() }
    }

    /// Changes labels of an instance; see ``RegistryOperator/changeMetadata(ofInstance:of:_:)``.
    ///
    /// - Throws: ``RegistryError``: `notFound` when it is not registered here.
    public func changeMetadata(
        ofInstance id: String,
        of service: String,
        _ changes: @escaping @Sendable (ServiceInstance) throws -> [String: String?]
    ) async throws -> ServiceInstance {
        try ServiceInstance.validate(serviceName: service)
        return try change(id, of: service) { entry in
            guard let entry else { throw RegistryError.notFound(id, of: service, in: Self.name) }
            return try entry.instance.adopt(changes)
        }
    }

    /// Refuses, since each instance here has an owner; see ``RegistryOperator/removeInstance(_:of:)``.
    ///
    /// - Throws: ``RegistryError``: `notFound` or `alreadyRegistered`.
    public func removeInstance(_ id: String, of service: String) async throws {
        guard try await instances(of: service)[id] != nil else {
            throw RegistryError.notFound(id, of: service, in: Self.name)
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
            for await current in instances.values { emit(DiscoverySnapshot(instances: current, state: .live)) }
            services.withLock { services in
                services[service]?.watches -= 1
                if services[service]?.isUnused == true { services[service] = nil }
            }
            watches.update { $0 -= 1 }
        }
    }

    /// Changes one entry of a service, and forgets the service when nothing is left of it.
    @discardableResult
    fileprivate func change<Result>(
        _ id: String,
        of service: String,
        _ body: (inout Held?) throws -> Result
    ) rethrows -> Result {
        try services.withLock { services in
            var entry = services[service]?.entries[id]
            let result = try body(&entry)
            services[service, default: Service()].entries[id] = entry
            if let feed = services[service]?.instances {
                var instances = feed.value
                if let entry { instances.update(entry.instance.published) } else { instances.remove(id: id) }
                feed.setIfChanged(instances)
            }
            if services[service]?.isUnused == true { services[service] = nil }
            return result
        }
    }
}

/// An instance's entry in a memory registry, from its owner's side.
private final class MemoryEntry: RegistryEntry {
    private let registry: MemoryRegistry
    private let id: String
    private let service: String

    init(_ registry: MemoryRegistry, _ instance: ServiceInstance) {
        self.registry = registry
        id = instance.id
        service = instance.name
    }

    func write(_ instance: KeptInstance) async throws {
        try registry.change(id, of: service) { entry in
            guard entry == nil || entry?.owner === self else {
                throw RegistryError(
                    code: .alreadyRegistered,
                    message:
                        "memory registry: instance \"\(id)\" of service \"\(service)\" is already registered in this "
                        + "process; release that one, or register under another id"
                )
            }
            entry = .init(owner: self, instance: instance)
        }
    }

    func remove() async throws {
        registry.change(id, of: service) { entry in
            if entry?.owner === self { entry = nil }
        }
    }
}
