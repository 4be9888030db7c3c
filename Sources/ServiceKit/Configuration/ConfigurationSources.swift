public import Logging
public import ServiceKitConfig

/// A kind of ``ConfigurationSource`` that configuration can name: the plugin.
///
/// ```yaml
/// config:
///   etcd:                            # ConfigurationSourceBackend.name
///     prefix: /config/user-service   # ConfigurationSourceBackend.Options
/// ```
public protocol ConfigurationSourceBackend: SendableMetatype {
    /// The section `config.<name>` of the configuration.
    associatedtype Options: ConfigurationSection

    /// The name that configuration knows it by.
    static var name: String { get }

    /// Makes the source. It need not be reachable yet.
    ///
    /// - Parameters:
    ///   - options: The section's options.
    ///   - configuration: The layers that are at hand at the start, for options that other sections have.
    ///   - logger: Where to log.
    /// - Returns: The source.
    /// - Throws: An error that names the fault of the options in one line. A `ConfigurationError` with a key path is
    ///   reported with the file and line of that key, any other error with those of the section.
    static func make(
        _ options: Options,
        configuration: Configuration,
        logger: Logger
    ) throws -> any ConfigurationSource
}

/// The kinds of source linked into a program, by name. A source is used if the configuration has its section,
/// `config.<name>`.
public struct ConfigurationSources: Sendable {
    struct Kind: Sendable {
        /// The type of the section, optional: the source is used if the section is there.
        var options: any (Decodable & SendableMetatype).Type
        var make: @Sendable (Configuration, Logger) throws -> (any ConfigurationSource)?
    }

    private(set) var kinds: [String: Kind] = [:]

    /// None: files, the environment and `--set` are read in any case.
    public static var embedded: ConfigurationSources { ConfigurationSources() }

    private init() {}

    /// Links a kind of source in, replacing one of the same name.
    public mutating func add<Backend: ConfigurationSourceBackend>(_ backend: Backend.Type) {
        let path = "config.\(Backend.name)"
        kinds[Backend.name] = Kind(options: Backend.Options?.self) { configuration, logger in
            guard let options = try configuration.decodeIfPresent(Backend.Options.self, at: path) else { return nil }
            return try configuration.locatingErrors(at: path) {
                try Backend.make(options, configuration: configuration, logger: logger)
            }
        }
    }

    /// Makes the sources that the section `config` names, in the order in which it names them. Later sources win.
    ///
    /// - Returns: The sources; none without the section.
    /// - Throws: `ConfigurationError` when a name is unknown, with a list of those linked in, or when an option is wrong.
    public func make(configuration: Configuration, logger: Logger) throws -> [any ConfigurationSource] {
        try configuration.keys(at: "config").compactMap { name in
            try kind(name, configuration).make(configuration, logger)
        }
    }

    /// The names that configuration knows the kinds by, sorted.
    package var names: [String] { kinds.keys.sorted() }

    /// Makes the source of a name, for a tool. Throws `ConfigurationError` like ``make(configuration:logger:)``, and when the
    /// configuration does not have the source.
    package func make(
        _ name: String, configuration: Configuration, logger: Logger
    ) throws -> any ConfigurationSource {
        guard let source = try kind(name, configuration).make(configuration, logger) else {
            throw ConfigurationError(message: "the source is not configured", keyPath: "config.\(name)")
        }
        return source
    }

    private func kind(_ name: String, _ configuration: Configuration) throws(ConfigurationError) -> Kind {
        if let kind = kinds[name] { return kind }
        let message = KeySuggestion.message(forMissing: "configuration source", name, known: names)
        throw configuration.located(ConfigurationError(message: message), at: "config.\(name)")
    }

    /// Reads all that the sources are made from, other sections included, so that a change of it is known to need a restart.
    /// Throws an error for a value that is wrong.
    func read(_ configuration: Configuration) throws {
        for name in names { _ = try kinds[name]?.make(configuration, .silent) }
    }
}
