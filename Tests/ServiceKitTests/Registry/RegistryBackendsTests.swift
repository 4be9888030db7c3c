import Logging
import ServiceKit
import ServiceKitConfig
import Testing

@Suite struct RegistryBackendsTests {
    let backends = RegistryBackends.embedded
    let logger = Logger(label: "test")

    func error(_ yaml: String, backend: String) throws -> ConfigurationError? {
        let configuration = try Configuration(yaml: yaml, origin: "config.yaml")
        return #expect(throws: ConfigurationError.self) {
            try backends.make(backend, configuration: configuration, logger: logger)
        }
    }

    @Test func embeddedBackendsNeedNoConfiguration() throws {
        #expect(backends.names == ["file", "memory", "static"])
        #expect(try backends.make("file", configuration: Configuration(), logger: logger) is FileRegistry)
        #expect(try backends.make("memory", configuration: Configuration(), logger: logger) is MemoryRegistry)
        #expect(try backends.make("static", configuration: Configuration(), logger: logger) is StaticRegistry)
    }

    @Test func unknownBackendNamesPlaceAndChoices() throws {
        let error = try error("registry:\n  backend: ectd\n", backend: "ectd")
        #expect(
            error?.description == "config.yaml:2:12: registry.backend: no registry backend \"ectd\" is linked into "
                + "this program; there are: file, memory, static"
        )
    }

    @Test func misspelledBackendNamesTheNearest() throws {
        let error = try error("registry:\n  backend: flie\n", backend: "flie")
        #expect(
            error?.message == "no registry backend \"flie\" is linked into this program; did you mean \"file\"? "
                + "There are: file, memory, static"
        )
    }

    @Test func optionsOfABackendAreDecoded() throws {
        let configuration = try Configuration(yaml: "registry: {file: {directory: /run/services}}")
        let registry = try backends.make("file", configuration: configuration, logger: logger)
        #expect((registry as? FileRegistry)?.directory == "/run/services")
        let unset = try Configuration(yaml: "registry: {file: {directory: ~}}")
        let byDefault = try backends.make("file", configuration: unset, logger: logger)
        #expect((byDefault as? FileRegistry)?.directory == FileRegistry().directory)
    }

    @Test func unknownOptionNamesItsPlace() throws {
        let error = try error("registry:\n  file:\n    directry: /run\n", backend: "file")
        #expect(error?.description.hasPrefix("config.yaml:3:5: registry.file.directry: unknown key") == true)
        #expect(error?.description.contains("\"directory\"") == true)
    }

    @Test func optionsOfOtherBackendsAreNotDecoded() throws {
        let configuration = try Configuration(yaml: "registry: {backend: memory, file: {what: ever}, static: 7}")
        _ = try backends.make("memory", configuration: configuration, logger: logger)
        configuration.claim("registry.backend")
        try configuration.checkForUnknownKeys()
    }

    @Test func backendIsAddedByItsName() throws {
        struct Other: RegistryBackend {
            struct Options: ConfigurationSection { var level = 1 }
            static let name = "other"
            static func make(_ options: Options, logger: Logger) throws -> any Registry {
                guard options.level < 9 else { throw RegistryError(code: .unsupported, message: "level is too high") }
                guard options.level > 0 else {
                    throw ConfigurationError(message: "it has to be more than 0", keyPath: "registry.other.level")
                }
                return MemoryRegistry()
            }
        }
        var backends = backends
        backends.add(Other.self)
        #expect(backends.names == ["file", "memory", "other", "static"])
        #expect(try backends.make("other", configuration: Configuration(), logger: logger) is MemoryRegistry)

        func refusal(_ yaml: String) throws -> String? {
            let configuration = try Configuration(yaml: yaml, origin: "config.yaml")
            return #expect(throws: ConfigurationError.self) {
                try backends.make("other", configuration: configuration, logger: logger)
            }?.description
        }
        let level = "config.yaml:3:12: registry.other.level: it has to be more than 0"
        #expect(try refusal("registry:\n  other:\n    level: 0") == level)
        // The backend names no key: the place is that of its section.
        let section = "config.yaml:3:5: registry.other: level is too high"
        #expect(try refusal("registry:\n  other:\n    level: 9") == section)
    }
}
