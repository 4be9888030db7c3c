public import ServiceKitConfig

/// The section `config.etcd`: configuration in etcd.
public struct EtcdConfigurationOptions: ConfigurationSection, Hashable {
    /// The start of every key, without a slash at its end: `/config/user-service`.
    public var prefix = ""
    /// The reaction to etcd that is away at the start, or has no key under the prefix; `required` by default.
    public var mode = Mode.required
    /// How long the start waits for the values; by default 10 s if they are required, and 1 s if they are optional.
    public var timeout: Duration?
    /// How etcd is reached; by default as `registry.etcd` says. If it is given, nothing of `registry.etcd` counts: no
    /// password goes to an etcd that it is not meant for.
    public var connection: EtcdConnectionOptions?

    /// The behaviour of the start without the values.
    public enum Mode: String, Codable, Sendable, CaseIterable {
        /// It fails, within ``EtcdConfigurationOptions/timeout``.
        case required
        /// It goes on without them when ``EtcdConfigurationOptions/timeout`` is over, or etcd refuses before. They are taken
        /// in when they come.
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
            "`required`: the start fails without the values; `optional`: it goes on without them, and they are taken in "
            + "when they come",
        "timeout": "how long the start waits for the values; by default `10s` if `required`, `1s` if `optional`",
    ]
}

extension EtcdConfigurationOptions: Validatable {
    private var fault: String? {
        if !prefix.hasPrefix("/") { return "does not begin with a slash" }
        if prefix.hasSuffix("/") { return "ends with a slash" }
        if prefix.contains("//") { return "has two slashes in a row" }
        if prefix.hasSuffix(".history") { return "has the versions of another store" }
        let isText = prefix.unicodeScalars.allSatisfy {
            !$0.properties.isWhitespace && ![.control, .format].contains($0.properties.generalCategory)
        }
        return isText ? nil : "has blanks or invisible characters"
    }

    /// Checks the prefix.
    ///
    /// - Throws: `ConfigurationError` that names the key.
    public func validate() throws(ConfigurationError) {
        if prefix.isEmpty {
            throw ConfigurationError(
                message: "there is no prefix; write one, as in /config/user-service", keyPath: "prefix")
        }
        if let fault {
            throw ConfigurationError(
                message: "\"\(prefix)\" \(fault); write one as in /config/user-service", keyPath: "prefix")
        }
    }
}
