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
/// Each address is an instance, its id is the address. Clients find what is listed and nothing else. Registering
/// succeeds and changes nothing, so that a server runs unchanged with this backend; a notice in the log says so once.
public final class StaticRegistry: Registry, RegistryBackend {
    /// What stands under `registry.static`.
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

    /// Does nothing but log, once, that clients find only what is listed.
    ///
    /// - Throws: ``RegistryError`` when the instance is not valid.
    public func register(_ instance: ServiceInstance) async throws -> any Registration {
        try instance.validate()
        if !hasLogged.exchange(true, ordering: .relaxed) {
            logger.notice(
                "the static registry takes no registrations: clients find what registry.static.services lists for them",
                metadata: ["instance": "\(instance.id)", "service": "\(instance.name)"]
            )
        }
        return StaticRegistration(instance)
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

    /// Refuses, since the configuration is the registry.
    ///
    /// - Throws: ``RegistryError``: `notFound` for what is not listed, else `unsupported`.
    public func setMetadata(
        _ changes: [String: String?],
        ofInstance id: String,
        of service: String
    ) async throws -> ServiceInstance {
        throw try await unsupported("change labels of", id, of: service, "edit that, or use another registry")
    }

    /// Refuses, since the configuration is the registry.
    ///
    /// - Throws: ``RegistryError``: `notFound` for what is not listed, else `unsupported`.
    public func removeInstance(_ id: String, of service: String) async throws {
        throw try await unsupported("remove", id, of: service, "edit that")
    }

    private func unsupported(
        _ action: String,
        _ id: String,
        of service: String,
        _ remedy: String
    ) async throws -> RegistryError {
        guard try await instances(of: service)[id] != nil else {
            return .notFound(id, of: service, in: "static")
        }
        return RegistryError(
            code: .unsupported,
            message:
                "static registry: cannot \(action) instance \"\(id)\" of service \"\(service)\", which stands in the "
                + "configuration under registry.static.services.\(service); \(remedy)"
        )
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

/// What registering with a static registry gives: an instance that nobody sees.
private final class StaticRegistration: Registration {
    let state = Watched(RegistrationState.registered)

    private let current: Mutex<ServiceInstance>

    init(_ instance: ServiceInstance) {
        current = Mutex(instance)
    }

    var instance: ServiceInstance { current.withLock { $0 } }

    func update(_ instance: ServiceInstance) async throws {
        try current.withLock { current in
            try current.validateUpdate(to: instance, isDeregistered: state.value == .deregistered)
            current = instance
        }
    }

    func deregister() async throws {
        state.setIfChanged(.deregistered)
    }

    func release() async {
        state.setIfChanged(.deregistered)
        state.finish()
    }
}
