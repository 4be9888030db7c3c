public import EtcdClient
public import Logging
public import ServiceKit
internal import ServiceKitConfig

/// A registry in etcd, versions 3.4 and later.
///
/// Each instance is a key that lives by a lease, which is renewed as long as the process lives: when the process dies,
/// the key is gone after the time to live. Other losses (the key, the lease, etcd's data) are put back. While etcd is away,
/// the watchers of a service keep the instances that they know.
///
/// Keys and values are those of go-kratos unless the configuration says otherwise, so that its services and these see
/// one another; see ``EtcdLayout``.
public final class EtcdRegistry: Registry, RegistryOperator, RegistryBackend {
    /// The section `registry.etcd`.
    public typealias Options = EtcdRegistryOptions

    /// `etcd`.
    public static let name = "etcd"

    /// Makes the registry; etcd need not be reachable yet.
    ///
    /// - Throws: `ConfigurationError` that names the key that is wrong.
    public static func make(_ options: Options, logger: Logger) throws -> any Registry {
        try EtcdRegistry(options, logger: logger)
    }

    let client: EtcdClient
    let layout: EtcdLayout
    let keys: InstanceKeys
    private let ttl: Duration
    private let logger: Logger

    /// Creates a registry; it does nothing before ``run()``. Unreadable entries and lost registrations are logged.
    ///
    /// - Throws: `ConfigurationError` that names the key that is wrong.
    public convenience init(_ options: Options, logger: Logger = Logger(label: "servicekit.registry.etcd")) throws {
        self.init(
            try EtcdClient(try options.clientConfig(), logger: logger),
            layout: options.layout,
            namespace: options.namespace,
            ttl: options.ttl,
            logger: logger
        )
    }

    /// Creates a registry on a client, which may be on any transport, and have a namespace of its own; ``run()`` runs
    /// it. The namespace is the start of every key, before the service's name; by default the layout's. An instance
    /// stays registered for `ttl` when its process dies or cannot reach etcd.
    public init(
        _ client: EtcdClient,
        layout: EtcdLayout = .kratos,
        namespace: String? = nil,
        ttl: Duration = .seconds(15),
        logger: Logger = Logger(label: "servicekit.registry.etcd")
    ) {
        self.client = client
        self.layout = layout
        keys = InstanceKeys(namespace: namespace ?? layout.defaultNamespace)
        self.ttl = ttl
        self.logger = logger
    }

    /// How many watches there are, for tests.
    var watchCount: Int { client.watchCount }

    /// Runs the client until the task is cancelled.
    public func run() async {
        await client.run()
    }

    /// Registers an instance; see `Registrar.register(_:)`. If the id has another owner, the cause `alreadyRegistered` has the
    /// time that is left of that one's lease.
    public func register(_ instance: ServiceInstance) throws(RegistryError) -> any Registration {
        let entry = EtcdEntry(instance, client: client, layout: layout, keys: keys, ttl: ttl)
        var logger = logger
        logger[metadataKey: "key"] = "\(keys.key(instance.id, of: instance.name))"
        return try KeptRegistration(instance, in: entry, logger: logger)
    }

    /// Checks that the user may look instances of a service up, and register some; see `Registry.checkAccess(to:registering:)`.
    public func checkAccess(to service: String, registering: Bool) async throws {
        _ = try await instances(of: service)
        guard registering else { return }
        // etcd checks the rights for all branches of a transaction, also for a branch that is not taken. This condition
        // never holds, since no key was written before the first revision.
        let key = keys.key("kit-access-check", of: service)
        do throws(EtcdError) {
            _ = try await client.commit(Transaction(if: [.modRevision(of: key, .less, 0)], then: [.put(key, "")]))
        } catch {
            throw RegistryError(error, "cannot register instances of \"\(service)\"", needs: .writing(key))
        }
    }

    /// The instances of a service now; see `Discoverer.instances(of:)`.
    public func instances(of service: String) async throws -> InstanceSet {
        try ServiceInstance.validate(serviceName: service)
        let reader = reader(of: service)
        do throws(EtcdError) {
            return InstanceSet(try await client.list(reader.range).entries.compactMap(reader.read))
        } catch {
            throw RegistryError(
                error,
                "cannot list the instances of \"\(service)\"",
                needs: .reading(keys.prefix(of: service))
            )
        }
    }

    /// The names of all services under the namespace; see `Discoverer.services()`.
    public func services() async throws -> [String] {
        do throws(EtcdError) {
            // Where instances share all of etcd with other keys, the values tell which keys are instances.
            let isShared = keys.namespace.isEmpty
            func isDoubtful(_ id: String) -> Bool { isShared || InstanceKeys.isAmbiguous(id) }
            var entries = try await client.list(keys.all, keysOnly: !isShared).entries
            if !isShared, entries.contains(where: { keys.parse($0.keyText).map { isDoubtful($0.id) } ?? false }) {
                entries = try await client.list(keys.all).entries
            }
            let names = entries.compactMap { entry -> String? in
                guard let (service, id) = keys.parse(entry.keyText) else { return nil }
                if isDoubtful(id), (try? layout.decode(entry.value, service: service, id: id)) == nil { return nil }
                return service
            }
            return Set(names).sorted()
        } catch {
            throw RegistryError(
                error, "cannot list the services", needs: .reading(keys.namespace.isEmpty ? "" : keys.namespace + "/"))
        }
    }

    /// Follows a service; see `Discoverer.watch(_:)`.
    public func watch(_ service: String) -> DiscoveryUpdates {
        // Owners that lost their leases in an outage are back within a time to live, and a pause between attempts.
        DiscoveryUpdates(of: service, grace: ttl + .seconds(5)) { [client, reader = reader(of: service)] feed in
            await client.listAndWatch(reader.range, decode: reader.read).run { update in
                feed.change { reader.apply(update, to: &$0) }
            }
        }
    }

    private func reader(of service: String) -> InstanceReader {
        InstanceReader(service: service, layout: layout, keys: keys, logger: logger)
    }
}

extension Plugin {
    /// The registry `etcd`, and the source of configuration `etcd`; see ``EtcdRegistry`` and ``EtcdConfigurationSource``.
    public static var etcd: Plugin {
        Plugin(joining: .registry(EtcdRegistry.self), .configurationSource(EtcdConfigurationSource.self))
    }
}
