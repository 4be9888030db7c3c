public import ServiceKitConfig

/// The section `config.etcd`: configuration in etcd.
public struct EtcdConfigurationOptions: ConfigurationSection, Hashable {
    /// The start of every key, without a slash at its end: `/config/user-service`.
    public var prefix = ""
    /// The reaction to etcd that is away at the start, or has no key under the prefix; `required` by default.
    public var mode = Mode.required
    /// How long the start waits for the values; 10 s by default.
    public var timeout = Duration.seconds(10)
    /// How etcd is reached; by default as `registry.etcd` says. If it is given, nothing of `registry.etcd` counts: no
    /// password goes to an etcd that it is not meant for.
    public var connection: EtcdConnectionOptions?

    /// The behaviour of the start without the values.
    public enum Mode: String, Codable, Sendable, CaseIterable {
        /// It fails, within ``EtcdConfigurationOptions/timeout``.
        case required
        /// It goes on without them. They are taken in when they come.
        case optional
    }

    /// The defaults. The prefix has none.
    public init() {}

    /// The ranges of the section's values.
    public static let ranges: [OptionRange<EtcdConfigurationOptions>] = [
        OptionRange("timeout", \.timeout, .milliseconds(1)...(.seconds(3600)))
    ]

    /// The meaning of each option.
    public static let help = [
        "prefix": "the start of every key: `/config/user-service`",
        "mode":
            "`required`: the start fails without the values; `optional`: it goes on, and the values are taken in when "
            + "they come",
        "timeout": "how long the start waits for the values",
    ]
}

extension EtcdConfigurationOptions: Validatable {
    /// Checks the prefix.
    ///
    /// - Throws: `ConfigurationError` that names the key.
    public func validate() throws(ConfigurationError) {
        if prefix.isEmpty {
            throw ConfigurationError(
                message: "there is no prefix; write one, as in /config/user-service", keyPath: "prefix")
        }
        if prefix.hasSuffix("/") {
            throw ConfigurationError(message: "\"\(prefix)\" ends with a slash; leave it out", keyPath: "prefix")
        }
    }
}
