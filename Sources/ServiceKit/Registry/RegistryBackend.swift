public import Logging
public import ServiceKitConfig

/// A registry: it takes registrations and answers look-ups.
public protocol Registry: Registrar, Discoverer {
    /// How far an address travels that is registered here.
    var reach: RegistryReach { get }

    /// Runs what the registry needs for its work, such as connections, until its task is cancelled.
    ///
    /// By default there is nothing to run, and it just waits.
    func run() async
}

extension Registry {
    /// Networked, which is the careful answer.
    public var reach: RegistryReach { .network }

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
    /// - Throws: An error that says what is wrong with the options, in one line.
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
            let options = try configuration.decode(Backend.Options.self, at: "registry.\(Backend.name)")
            return try Backend.make(options, logger: logger)
        }
    }

    /// Makes the registry of a name with its options from the configuration.
    ///
    /// - Parameters:
    ///   - name: The backend's name.
    ///   - configuration: Where the options are, under `registry.<name>`.
    ///   - logger: Where the registry logs.
    /// - Returns: The registry; it need not be reachable yet.
    /// - Throws: `ConfigurationError` when the name is unknown, with a list of those linked in, or an option is wrong;
    ///   else what the backend threw.
    public func make(_ name: String, configuration: Configuration, logger: Logger) throws -> any Registry {
        guard let factory = factories[name] else {
            throw ConfigurationError(
                message: "no registry backend \"\(name)\" is linked into this program; there are: "
                    + names.joined(separator: ", "),
                location: configuration.location(of: "registry.backend"),
                keyPath: "registry.backend"
            )
        }
        // What the others' sections hold is not looked at, so that changing the one line swaps the backend.
        for other in names where other != name { configuration.claim("registry.\(other)") }
        return try factory(configuration, logger)
    }
}
