internal import EtcdClient
public import ServiceKitConfig

/// The section `registry.etcd`. It has the options of the connection among its own.
@dynamicMemberLookup
public struct EtcdRegistryOptions: ConfigurationSection, Hashable {
    /// How etcd is reached. The options can be named without it: `options.endpoints`.
    public var connection = EtcdConnectionOptions()
    /// The start of every key, before the service's name; by default the layout's: `/microservices` for `kratos`.
    public var namespace: String?
    /// How long an instance stays registered when its process dies or cannot reach etcd; 15 s by default.
    public var ttl = Duration.seconds(15)
    /// How instances are written; `kratos` by default.
    public var layout = EtcdLayout.kratos

    private enum CodingKeys: CodingKey { case namespace, ttl, layout }

    /// The defaults.
    public init() {}

    /// Decodes the options of the connection and the registry from one section.
    public init(from decoder: any Decoder) throws {
        connection = try EtcdConnectionOptions(from: decoder)
        let values = try decoder.container(keyedBy: CodingKeys.self)
        namespace = try values.decodeIfPresent(String.self, forKey: .namespace)
        ttl = try values.decode(Duration.self, forKey: .ttl)
        layout = try values.decode(EtcdLayout.self, forKey: .layout)
    }

    /// Encodes the options of the connection and the registry as one section.
    public func encode(to encoder: any Encoder) throws {
        try connection.encode(to: encoder)
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encodeIfPresent(namespace, forKey: .namespace)
        try values.encode(ttl, forKey: .ttl)
        try values.encode(layout, forKey: .layout)
    }

    /// An option of the connection.
    public subscript<Value>(dynamicMember option: WritableKeyPath<EtcdConnectionOptions, Value>) -> Value {
        get { connection[keyPath: option] }
        set { connection[keyPath: option] = newValue }
    }

    /// The ranges of the section's values.
    public static let ranges: [OptionRange<EtcdRegistryOptions>] =
        [OptionRange("ttl", \.ttl, .seconds(2)...(.seconds(3600)))]
        + EtcdConnectionOptions.ranges.map { OptionRange($0, of: \.connection) }

    /// The meaning of each option.
    public static let help = EtcdConnectionOptions.help.merging([
        "namespace": "the start of every key, before the service's name",
        "ttl": "how long an instance stays when its process dies or cannot reach etcd",
        "layout": "the form of keys and values: `kratos`, `grpc-naming` or `host-port`",
    ]) { $1 }

    /// How the client reaches etcd. Throws `ConfigurationError` that names the key.
    func clientConfig() throws(ConfigurationError) -> EtcdConfig {
        var config = try connection.clientConfig(section: "registry.etcd")
        // A connection has to be back before the leases end.
        config.maxBackoff = min(.seconds(5), ttl / 3)
        return config
    }
}

extension EtcdRegistryOptions: Validatable {
    /// Checks that the options fit together.
    ///
    /// - Throws: `ConfigurationError` that names the key.
    public func validate() throws(ConfigurationError) {
        try connection.validate()
        if let namespace, namespace.hasSuffix("/") {
            throw ConfigurationError(message: "\"\(namespace)\" ends with a slash; leave it out", keyPath: "namespace")
        }
    }
}
