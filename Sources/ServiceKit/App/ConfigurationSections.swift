public import ServiceKitConfig

/// The sections of the configuration that modules read beside the App's own, for tools that check a configuration.
public struct ConfigurationSections: PluginSection {
    private var readers: [@Sendable (Configuration) throws -> Void] = []

    /// None: the App reads its own sections.
    public static var embedded: ConfigurationSections { ConfigurationSections() }

    private init() {}

    /// Adds a section at a path. The exceptions are keys of the section that another type reads.
    public mutating func add<Section: ConfigurationSection>(
        _ type: Section.Type,
        at path: String,
        except exceptions: Set<String> = []
    ) {
        readers.append { configuration in
            _ = try configuration.decode(type, at: path, except: exceptions)
        }
    }

    /// Adds the section of a server, `server.NAME`, with the App's option `advertise` in it.
    public mutating func addServer<Section: ConfigurationSection>(_ type: Section.Type, named name: String) {
        readers.append { configuration in
            _ = try configuration.serverOptions(type, named: name)
            _ = try configuration.advertised(by: name)
        }
    }

    /// Reads every section. Throws `ConfigurationError` for the first value that is wrong.
    package func check(_ configuration: Configuration) throws {
        for read in readers { try read(configuration) }
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

    /// The host, or host and port, that a server's section gives others in place of the address listened on.
    func advertised(by server: String) throws(ConfigurationError) -> AdvertisedAddress? {
        try decodeIfPresent(AdvertisedAddress.self, at: "server.\(server).advertise")
    }
}
