internal import EtcdClient
public import Logging
public import ServiceKit
public import ServiceKitConfig

/// Configuration in the keys of etcd below a prefix; the section `config.etcd` names it.
///
/// A key that ends with `.yaml` is a document. Any other key is one value in YAML, at the path of its name: `log.level`, or
/// `log/level`. Values win over documents, and later names over earlier ones. Changes come by a watch. While etcd is away,
/// and when it has lost its data, the last values stay.
public final class EtcdConfigurationSource: ConfigurationSource, ConfigurationSourceBackend {
    /// The section `config.etcd`.
    public typealias Options = EtcdConfigurationOptions

    /// `etcd`.
    public static let name = "etcd"

    /// Makes the source; etcd need not be reachable yet. Without a connection of its own it has that of `registry.etcd`.
    ///
    /// - Throws: `ConfigurationError` that names the key that is wrong.
    public static func make(
        _ options: Options,
        configuration: Configuration,
        logger: Logger
    ) throws -> any ConfigurationSource {
        let config: EtcdConfig
        if let connection = options.connection {
            config = try connection.clientConfig(section: "config.etcd.connection")
        } else {
            config = try configuration.decode(EtcdRegistryOptions.self, at: "registry.etcd").clientConfig()
        }
        return EtcdConfigurationSource(options, try EtcdClient(config, logger: logger))
    }

    /// `etcd` and the prefix.
    public let name: String
    /// Whether `mode` is `required`.
    public let isRequired: Bool
    /// The option `timeout`, or its default.
    public let startTimeout: Duration?
    let client: EtcdClient
    let prefix: String

    init(_ options: Options, _ client: EtcdClient) {
        name = "etcd \(options.prefix)"
        isRequired = options.mode == .required
        startTimeout = options.timeout ?? (isRequired ? .seconds(10) : .seconds(1))
        self.client = client
        prefix = options.prefix
    }

    /// Follows the keys until the task is cancelled.
    public func run(report: @escaping @Sendable (ConfigurationSourceState) -> Void) async {
        await withTaskGroup(of: Void.self) { [client] group in
            group.addTask { await client.run() }
            var keys = EtcdConfigurationKeys(prefix: prefix, mustExist: isRequired)
            await client.listAndWatch(keys.range) { $0.value }.run { update in
                if let state = keys.apply(update) { report(state) }
            }
            group.cancelAll()
        }
    }
}
