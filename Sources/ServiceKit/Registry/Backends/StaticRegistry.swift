public import Logging
public import ServiceKitConfig
private import Synchronization

/// A registry whose contents are written in the configuration.
///
/// ```yaml
/// registry:
///   backend: static
///   static:
///     services:
///       user-service: [grpc://10.0.0.7:9000, grpc://10.0.0.8:9000]
/// ```
///
/// Each address is an instance, its id is the address. Clients find the listed addresses and nothing else. Registering
/// succeeds and changes nothing, so that a server runs unchanged with this backend; a notice in the log says so once.
public final class StaticRegistry: Registry, RegistryBackend {
    /// The section `registry.static`.
    public struct Options: ConfigurationSection {
        /// The addresses of each service.
        public var services: [String: [Endpoint]] = [:]

        /// No services.
        public init() {}
    }

    /// `static`.
    public static let name = "static"

    /// Makes the registry.
    ///
    /// - Throws: `ConfigurationError` when a service's name is not valid or an address is listed twice.
    public static func make(_ options: Options, logger: Logger) throws -> any Registry {
        try StaticRegistry(services: options.services, logger: logger)
    }

    private let services: [String: InstanceSet]
    private let logger: Logger
    private let hasLogged = Atomic(false)

    /// Creates a registry of services and their addresses.
    ///
    /// - Throws: `ConfigurationError` when a service's name is not valid or an address is listed twice.
    public init(
        services: [String: [Endpoint]],
        logger: Logger = Logger(label: "servicekit.registry.static")
    ) throws(ConfigurationError) {
        self.services = try Self.instances(of: services)
        self.logger = logger
    }

    private static func instances(
        of services: [String: [Endpoint]]
    ) throws(ConfigurationError) -> [String: InstanceSet] {
        var result: [String: InstanceSet] = [:]
        for (service, endpoints) in services.sorted(by: { $0.key < $1.key }) {
            let keyPath = "registry.static.services.\(service)"
            do throws(RegistryError) {
                try ServiceInstance.validate(serviceName: service)
            } catch {
                throw ConfigurationError(message: error.message, keyPath: keyPath)
            }
            var instances = InstanceSet()
            for endpoint in endpoints {
                let instance = ServiceInstance(id: endpoint.description, name: service, endpoints: [endpoint])
                guard instances.update(instance) == nil else {
                    throw ConfigurationError(message: "\(endpoint) is listed twice; remove one", keyPath: keyPath)
                }
            }
            result[service] = instances
        }
        return result
    }

    /// This machine, since no address registered here travels at all.
    public var reach: RegistryReach { .machine }

    /// Registers nothing but logs, once, that clients find only the listed instances. The registration says
    /// `registered` all the same.
    public func register(_ instance: ServiceInstance) throws(RegistryError) -> any Registration {
        var quiet = logger
        quiet.logLevel = .warning
        let registration = try KeptRegistration(instance, in: StaticEntry(), logger: quiet)
        if !hasLogged.exchange(true, ordering: .relaxed) {
            logger.notice(
                "the static registry takes no registrations: clients find what registry.static.services lists for them",
                metadata: ["instance": "\(instance.id)", "service": "\(instance.name)"]
            )
        }
        return registration
    }

    /// The instances listed; see ``Discoverer/instances(of:)``.
    public func instances(of service: String) async throws -> InstanceSet {
        try ServiceInstance.validate(serviceName: service)
        return services[service] ?? []
    }

    /// The services listed that have an address; see ``Discoverer/services()``.
    public func services() async throws -> [String] {
        services.filter { !$0.value.isEmpty }.keys.sorted()
    }

    /// The instances listed, once; then the sequence waits for its task's cancellation.
    public func watch(_ service: String) -> DiscoveryUpdates {
        let instances = services[service] ?? []
        return DiscoveryUpdates(of: service) { [logger] emit in
            if instances.isEmpty {
                logger.notice(
                    "the static registry lists no address for a service; add it to registry.static.services",
                    metadata: ["service": "\(service)"]
                )
            }
            emit(DiscoverySnapshot(instances: instances, state: .live))
            await untilCancelled()
        }
    }
}

/// The entry of an instance that no client sees.
private struct StaticEntry: RegistryEntry {
    func write(_ instance: KeptInstance) async throws {}
    func remove() async throws {}
}

extension StaticRegistry.Options {
    /// The meaning of each option.
    public static let help = [
        "services": "the addresses of each service: `user-service: [grpc://10.0.0.7:9000]`"
    ]
}
