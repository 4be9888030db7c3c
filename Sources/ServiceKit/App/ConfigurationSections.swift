public import ServiceKitConfig

/// All that a program may read from its configuration: the App's own sections, those of its modules and plugins, and those
/// of the service.
///
/// It is the only list. The check for unknown keys, `kit config` and the documents are made from it. A registry, a balancer
/// or a source joins by its plugin, a service's own section by being read. Any other module adds its sections:
///
/// ```swift
/// extension Plugin {
///     static var cache: Plugin { .adding(to: ConfigurationSections.self) { $0.add(CacheOptions.self, at: "cache") } }
/// }
/// ```
public struct ConfigurationSections: PluginSection {
    struct Entry: Sendable {
        var path: String
        /// The type that reads the value; `nil` for a path that is known, and read by another module.
        var type: (any (Decodable & SendableMetatype).Type)?
        var live: [String] = []
        /// The meaning of a single value.
        var help: String?
        /// Reads the value as a service does. Nothing is started.
        var check: @Sendable (Configuration) throws -> Void
    }

    private var entries: [Entry] = []

    /// The App's own sections.
    public static var embedded: ConfigurationSections {
        var sections = ConfigurationSections()
        sections.add(AppOptions.self, at: "app", live: ["app.metadata"]) { options, configuration in
            _ = try ServiceInstance(options, from: configuration)
        }
        sections.add(LogOptions.self, at: "log", live: ["log"])
        sections.add(StartupOptions.self, at: "startup")
        sections.add(ShutdownOptions.self, at: "shutdown", live: ["shutdown"])
        sections.add(
            Entry(
                path: "server.listen",
                type: ListenAddress?.self,
                help: "the address of servers that have no `listen` of their own; port 0 is any free one; "
                    + "`unix:/run/user.sock` is a socket's file; a free port of the loopback address by default"
            ) { _ = try $0.listenAddress() })
        // A client may share its file with a server, and a server with a client.
        for path in ["server.grpc", "client"] { sections.add(Entry(path: path) { _ in }) }
        for path in ["server.timeouts", "client.timeouts"] {
            sections.add(Deadlines.Options.self, at: path, live: [path])
        }
        for path in ["server.tracing", "client.tracing"] {
            sections.add(CallTracing.Options.self, at: path, live: [path])
        }
        for path in ["server.faults", "client.faults"] {
            sections.add(FaultInjection.Options.self, at: path, live: [path])
        }
        sections.add(CallMetrics.Options.self, at: "metrics", live: ["metrics"])
        sections.add(LoadReporting.Options.self, at: "server.load-reports", live: ["server.load-reports"])
        sections.add(ConcurrencyLimit.Options.self, at: "server.limit", live: ["server.limit"])
        sections.add(RateLimit.Options.self, at: "server.rate-limit", live: ["server.rate-limit"])
        sections.add(CircuitBreaker.Options.self, at: "server.breaker", live: ["server.breaker"])
        sections.add(Authorization.Options.self, at: "server.authorization", live: ["server.authorization"])
        return sections
    }

    private init() {}

    /// The sections of a program with these plugins.
    public init(plugins: [Plugin]) {
        self = PluginCatalogue(plugins)[Self.self]
        RegistryBackends(plugins: plugins).add(to: &self)
        Balancers(plugins: plugins).add(to: &self)
        ConfigurationSources(plugins: plugins).add(to: &self)
    }

    /// Adds a section, or a single value.
    ///
    /// - Parameters:
    ///   - type: The type that reads it.
    ///   - path: Its path.
    ///   - exceptions: Keys of the section that another type reads.
    ///   - live: The paths, of the section or of options in it, whose changes take effect without a restart.
    ///   - check: Further checks, such as those with other sections. None by default.
    public mutating func add<Value: Decodable & SendableMetatype>(
        _ type: Value.Type,
        at path: String,
        except exceptions: Set<String> = [],
        live: [String] = [],
        check: @escaping @Sendable (Value, Configuration) throws -> Void = { _, _ in }
    ) {
        add(
            Entry(path: path, type: type, live: live) { configuration in
                try check(try configuration.decode(type, at: path, except: exceptions), configuration)
            }
        )
    }

    /// Adds the section of a server, `server.NAME`, with the App's option `advertise` in it.
    public mutating func addServer<Section: ConfigurationSection>(_ type: Section.Type, named name: String) {
        let path = "server.\(name)"
        add(Entry(path: path, type: type) { _ = try $0.serverOptions(type, named: name) })
        add(Entry(path: "\(path).advertise", type: AdvertisedAddress?.self) { _ = try $0.advertised(by: name) })
    }

    /// Adds a section that is read only where it is configured, such as that of a plugin that another option selects.
    mutating func addOptional(
        _ type: any (Decodable & SendableMetatype).Type,
        at path: String,
        check: @escaping @Sendable (Configuration) throws -> Void
    ) {
        add(Entry(path: path, type: type) { if $0.contains(path) { try check($0) } })
    }

    mutating func add(_ entry: Entry) {
        entries.append(entry)
    }

    /// Makes all sections known to the configuration, and to those that replace it.
    package func register(in configuration: Configuration) {
        configuration.register(.clients)
        for entry in entries {
            if let type = entry.type {
                configuration.register(type, at: entry.path, live: entry.live, help: entry.help)
            } else {
                configuration.claim(entry.path)
            }
        }
    }

    /// Describes the sections: for a tool that does not have the service, whose own sections are let pass.
    package func description(as form: ConfigurationForm) throws -> String {
        let configuration = Configuration()
        register(in: configuration)
        return try configuration.description(as: form)
    }

    /// Reads every section, and looks for unknown keys. Throws `ConfigurationError` for the first mistake.
    package func check(_ configuration: Configuration) throws {
        register(in: configuration)
        for entry in entries { try entry.check(configuration) }
        try checkClients(configuration)
        try configuration.checkForUnknownKeys()
    }

    /// Reads a section, and those below it.
    func check(_ configuration: Configuration, below path: String) throws {
        for entry in entries where entry.path == path || entry.path.hasPrefix("\(path).") {
            try entry.check(configuration)
        }
    }
}

extension Configuration {
    /// Reads the options of a server, the section `server.NAME`. Its key `advertise` is the App's.
    ///
    /// - Throws: `ConfigurationError` for the first value that is wrong.
    public func serverOptions<Section: ConfigurationSection>(
        _ type: Section.Type,
        named name: String
    ) throws(ConfigurationError) -> Section {
        try decode(type, at: "server.\(name)", except: ["advertise"])
    }

    /// The address of servers that have none of their own: `server.listen`; a free port of the loopback address by default.
    ///
    /// - Throws: `ConfigurationError` when it is no address.
    public func listenAddress() throws(ConfigurationError) -> ListenAddress {
        try decodeIfPresent(ListenAddress.self, at: "server.listen") ?? .tcp(host: "127.0.0.1", port: 0)
    }

    /// The host, or host and port, that a server's section gives others in place of the address listened on.
    func advertised(by server: String) throws(ConfigurationError) -> AdvertisedAddress? {
        try decodeIfPresent(AdvertisedAddress.self, at: "server.\(server).advertise")
    }
}
