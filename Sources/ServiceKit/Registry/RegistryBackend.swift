public import Logging
public import ServiceKitConfig

/// A registry: it takes registrations and answers look-ups. If operators can change the instances in it, it is a
/// ``RegistryOperator``, too.
public protocol Registry: Registrar, Discoverer {
    /// How far an address travels that is registered here.
    var reach: RegistryReach { get }

    /// Checks that this process may look a service up, or register it, and changes nothing: for tools such as `kit doctor`.
    ///
    /// It asks for no more than that: not for other services, nor for names that no service has. By default it looks the
    /// service's instances up.
    ///
    /// - Parameters:
    ///   - service: The service's name.
    ///   - registering: Whether it registers instances of the service, and does not only look them up.
    /// - Throws: ``RegistryError``: `permissionDenied` with the user and the place; any other failure of the registry.
    func checkAccess(to service: String, registering: Bool) async throws

    /// Runs the registry's own tasks, such as connections, until its task is cancelled.
    ///
    /// By default there is nothing to run, and it just waits.
    func run() async
}

extension Registry {
    /// Networked, which is the careful answer.
    public var reach: RegistryReach { .network }

    /// Looks the service's instances up.
    public func checkAccess(to service: String, registering: Bool) async throws {
        _ = try await instances(of: service)
    }

    /// Waits for the task's cancellation.
    public func run() async {
        await untilCancelled()
    }
}

/// The processes that can see the registered instances.
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
    /// The section `registry.<name>` of the configuration.
    associatedtype Options: ConfigurationSection

    /// The name that configuration knows it by, and the scheme of its targets: `etcd` for `etcd:///user-service`.
    static var name: String { get }

    /// Makes the registry. It need not be reachable yet.
    ///
    /// - Throws: An error that names the fault of the options in one line. A `ConfigurationError` with a key path
    ///   is reported with the file and line of that key, any other error with those of the section.
    static func make(_ options: Options, logger: Logger) throws -> any Registry
}

/// The kinds of registry linked into a program, by name.
public struct RegistryBackends: Sendable {
    struct Kind: Sendable {
        var options: any ConfigurationSection.Type
        var make: @Sendable (Configuration, Logger) throws -> any Registry
    }

    private(set) var kinds: [String: Kind] = [:]

    /// The embedded ones: `file`, `memory` and `static`.
    public static var embedded: RegistryBackends {
        var backends = RegistryBackends()
        backends.add(FileRegistry.self)
        backends.add(MemoryRegistry.self)
        backends.add(StaticRegistry.self)
        return backends
    }

    /// The names, sorted.
    public var names: [String] { kinds.keys.sorted() }

    /// Links a kind of registry in, replacing one of the same name.
    public mutating func add<Backend: RegistryBackend>(_ backend: Backend.Type) {
        kinds[Backend.name] = Kind(options: Backend.Options.self) { configuration, logger in
            let path = "registry.\(Backend.name)"
            let options = try configuration.decode(Backend.Options.self, at: path)
            return try configuration.locatingErrors(at: path) { try Backend.make(options, logger: logger) }
        }
    }

    /// Makes the registry of a name with its options from the configuration, under `registry.<name>`. It need not be
    /// reachable yet.
    ///
    /// - Throws: `ConfigurationError` when the name is unknown, with a list of those linked in, or when the backend
    ///   refuses an option.
    public func make(_ name: String, configuration: Configuration, logger: Logger) throws -> any Registry {
        guard let kind = kinds[name] else {
            let message = KeySuggestion.message(forMissing: "registry backend", name, known: names)
            throw configuration.located(ConfigurationError(message: message), at: "registry.backend")
        }
        // The sections of the other backends are not looked at, so that changing the one line swaps the backend.
        for other in names where other != name { configuration.claim("registry.\(other)") }
        return try kind.make(configuration, logger)
    }
}
