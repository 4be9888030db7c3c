public import Logging
public import ServiceKitConfig

/// A registry: it takes registrations and answers look-ups.
public protocol Registry: Registrar, Discoverer {
    /// How far an address travels that is registered here.
    var reach: RegistryReach { get }

    /// Changes labels of an instance that somebody else may own: what an operator does to take one out of traffic
    /// (`offline`), or to give it another share (`weight`).
    ///
    /// The owner adopts the change. From then on the operator's word on these labels counts, also when the owner updates
    /// the instance and when the registration was lost and is put back, until the operator says otherwise or the owner
    /// ends. An owner that is not of this kit may not adopt it, and undo it when it registers again.
    ///
    /// - Parameters:
    ///   - changes: The labels' new values; `nil` removes a label. The others stay.
    ///   - id: The instance's id.
    ///   - service: The service's name.
    /// - Returns: The instance as all see it now.
    /// - Throws: ``RegistryError``: `notFound` when there is no such instance, `invalidInstance` when a label cannot be
    ///   set, `unsupported` when the registry cannot do it, which is the default.
    func setMetadata(
        _ changes: [String: String?],
        ofInstance id: String,
        of service: String
    ) async throws -> ServiceInstance

    /// Changes labels of an instance by what they are now, as ``setMetadata(_:ofInstance:of:)`` does.
    ///
    /// By default the instance is looked up and then changed. Where others may change its labels at the same time, a
    /// registry should do both in one step.
    ///
    /// - Parameters:
    ///   - id: The instance's id.
    ///   - service: The service's name.
    ///   - changes: The labels' new values, given the instance; it may be asked several times.
    /// - Returns: The instance as all see it now.
    /// - Throws: ``RegistryError`` as ``setMetadata(_:ofInstance:of:)``; what `changes` throws.
    func changeMetadata(
        ofInstance id: String,
        of service: String,
        _ changes: @escaping @Sendable (ServiceInstance) throws -> [String: String?]
    ) async throws -> ServiceInstance

    /// Removes an instance that nobody keeps any more: what an operator does to entries that do not end by themselves.
    ///
    /// - Parameters:
    ///   - id: The instance's id.
    ///   - service: The service's name.
    /// - Throws: ``RegistryError``: `notFound` when there is no such instance, `alreadyRegistered` when its owner keeps it
    ///   and would put it back, `unsupported` when the registry cannot do it, which is the default.
    func removeInstance(_ id: String, of service: String) async throws

    /// Checks that this process may do what it does with a service, and changes nothing: for tools such as `kit doctor`.
    ///
    /// It asks for no more than that: not for other services, nor for names that no service has. By default it looks the
    /// service's instances up.
    ///
    /// - Parameters:
    ///   - service: The service's name.
    ///   - registering: Whether it registers instances of the service, and does not only look them up.
    /// - Throws: ``RegistryError``: `permissionDenied` with the user and the place; whatever else keeps it from working.
    func checkAccess(to service: String, registering: Bool) async throws

    /// Runs what the registry needs for its work, such as connections, until its task is cancelled.
    ///
    /// By default there is nothing to run, and it just waits.
    func run() async
}

extension Registry {
    /// Networked, which is the careful answer.
    public var reach: RegistryReach { .network }

    /// Refuses.
    ///
    /// - Throws: ``RegistryError`` with code ``RegistryError/Code/unsupported``.
    public func setMetadata(
        _ changes: [String: String?],
        ofInstance id: String,
        of service: String
    ) async throws -> ServiceInstance {
        throw RegistryError(
            code: .unsupported,
            message: "\(Self.self) cannot change labels of an instance; set them where the instance is started"
        )
    }

    /// Looks the instance up, and then changes it.
    public func changeMetadata(
        ofInstance id: String,
        of service: String,
        _ changes: @escaping @Sendable (ServiceInstance) throws -> [String: String?]
    ) async throws -> ServiceInstance {
        guard let instance = try await instances(of: service)[id] else {
            throw RegistryError.notFound(id, of: service, in: "\(Self.self)")
        }
        return try await setMetadata(try changes(instance), ofInstance: id, of: service)
    }

    /// Refuses.
    ///
    /// - Throws: ``RegistryError`` with code ``RegistryError/Code/unsupported``.
    public func removeInstance(_ id: String, of service: String) async throws {
        throw RegistryError(
            code: .unsupported,
            message: "\(Self.self) cannot remove an instance; stop the process that owns it"
        )
    }

    /// Looks the service's instances up.
    public func checkAccess(to service: String, registering: Bool) async throws {
        _ = try await instances(of: service)
    }

    /// Waits for the task's cancellation.
    public func run() async {
        await untilCancelled()
    }
}

/// Who can see what is registered.
public enum RegistryReach: Hashable, Sendable {
    /// Processes of this machine, for which a loopback address is a good address.
    case machine
    /// Other hosts, for which it is not.
    case network
}

/// A kind of registry that configuration can name: the plugin.
///
/// ```yaml
/// registry:
///   backend: file          # RegistryBackend.name
///   file:                  # RegistryBackend.Options
///     directory: /run/services
/// ```
public protocol RegistryBackend: SendableMetatype {
    /// What stands under `registry.<name>` in the configuration.
    associatedtype Options: ConfigurationSection

    /// The name that configuration knows it by, and the scheme of its targets: `etcd` for `etcd:///user-service`.
    static var name: String { get }

    /// Makes the registry. It need not be reachable yet.
    ///
    /// - Throws: An error that says in one line what is wrong with the options. A `ConfigurationError` with a key path
    ///   is reported with the file and line of that key, any other error with those of the section.
    static func make(_ options: Options, logger: Logger) throws -> any Registry
}

/// The kinds of registry linked into a program, by name.
public struct RegistryBackends: Sendable {
    private var factories: [String: @Sendable (Configuration, Logger) throws -> any Registry] = [:]

    /// The embedded ones: `file`, `memory` and `static`.
    public static var embedded: RegistryBackends {
        var backends = RegistryBackends()
        backends.add(FileRegistry.self)
        backends.add(MemoryRegistry.self)
        backends.add(StaticRegistry.self)
        return backends
    }

    /// The names, sorted.
    public var names: [String] { factories.keys.sorted() }

    /// Links a kind of registry in, replacing one of the same name.
    public mutating func add<Backend: RegistryBackend>(_ backend: Backend.Type) {
        factories[Backend.name] = { configuration, logger in
            let path = "registry.\(Backend.name)"
            let options = try configuration.decode(Backend.Options.self, at: path)
            return try configuration.locatingErrors(at: path) { try Backend.make(options, logger: logger) }
        }
    }

    /// Makes the registry of a name with its options from the configuration.
    ///
    /// - Parameters:
    ///   - name: The backend's name.
    ///   - configuration: Where the options are, under `registry.<name>`.
    ///   - logger: Where the registry logs.
    /// - Returns: The registry; it need not be reachable yet.
    /// - Throws: `ConfigurationError` when the name is unknown, with a list of those linked in, or when the backend
    ///   refuses an option.
    public func make(_ name: String, configuration: Configuration, logger: Logger) throws -> any Registry {
        guard let factory = factories[name] else {
            throw ConfigurationError(
                message: KeySuggestion.message(forMissing: "registry backend", name, known: names),
                location: configuration.location(of: "registry.backend"),
                keyPath: "registry.backend"
            )
        }
        // What the others' sections hold is not looked at, so that changing the one line swaps the backend.
        for other in names where other != name { configuration.claim("registry.\(other)") }
        return try factory(configuration, logger)
    }
}
