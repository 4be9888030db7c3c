import ServiceKitConfig
import Testing

/// The example of the guide.
@Suite struct GuideTests {
    struct CacheSettings: ConfigurationSection {
        var address = "127.0.0.1:6379"
        var maxEntry: ByteCount = .mebibytes(4)
        var idleTimeout: Duration? = nil

        static let ranges = [
            OptionRange("max-entry", \CacheSettings.maxEntry, 1...(.gibibytes(2))),
            OptionRange("idle-timeout", \CacheSettings.idleTimeout, .milliseconds(1)...(.seconds(3600))),
        ]
    }

    struct StorageSettings: ConfigurationSection {
        var cache = CacheSettings()
        var labels: [String: String] = [:]
    }

    struct RetrySettings: ConfigurationSection, Validatable {
        var first = Duration.milliseconds(100)
        var longest = Duration.seconds(10)

        func validate() throws(ConfigurationError) {
            if first > longest { throw ConfigurationError(message: "longer than longest", keyPath: "first") }
        }
    }

    struct DatabaseSettings: ConfigurationSection {
        var host = "localhost"
        var password = Secret("")
    }

    // Compiled, and not run: the files do not exist.
    private func load() throws -> Configuration {
        let configuration = try Configuration.load(
            files: ["config/config.yaml", "config/config.production.yaml"],
            overrides: ["storage.cache.idle-timeout=1m30s"]
        )
        return configuration
    }

    @Test func theExampleWorks() throws {
        try withTemporaryDirectory { directory in
            let file = "\(directory)/config.yaml"
            try write(
                """
                storage:
                  cache:
                    address: 10.0.0.5:6379
                    max-entry: 16MiB
                  labels:
                    zone: north
                """,
                to: file
            )
            let configuration = try Configuration.load(
                files: [file],
                environment: ["KIT_STORAGE__CACHE__MAX_ENTRY": "32MiB"],
                overrides: ["storage.cache.idle-timeout=1m30s"]
            )
            let storage = try configuration.decode(StorageSettings.self, at: "storage")
            try configuration.checkForUnknownKeys()

            #expect(storage.cache.address == "10.0.0.5:6379")
            #expect(storage.cache.maxEntry == .mebibytes(32))
            #expect(storage.cache.idleTimeout == .seconds(90))
            #expect(storage.labels == ["zone": "north"])
        }
    }

    @Test func theRangesOfTheExampleHold() throws {
        let error = #expect(throws: ConfigurationError.self) {
            try Configuration(yaml: "max-entry: 3GiB", origin: "a.yaml").decode(CacheSettings.self, at: "")
        }
        #expect(error?.description == "a.yaml:1:12: max-entry: expected 1 to 2GiB, found \"3GiB\"")
    }

    @Test func placeholdersOfTheExampleAreReplaced() throws {
        try withTemporaryDirectory { directory in
            try write("hunter2\n", to: "\(directory)/etcd")
            let configuration = try Configuration(
                yaml: """
                    app: {name: user-service}
                    server:
                      grpc:
                        listen: ${HOST:127.0.0.1}:${PORT:9000}
                    registry:
                      etcd:
                        endpoints: ${ETCD_ENDPOINTS:http://127.0.0.1:2379}
                        username: ${app.name}
                        password: "@file:${SECRETS:/run/secrets}/etcd"
                    """,
                environment: ["SECRETS": directory, "ETCD_ENDPOINTS": "http://a:2379,http://b:2379", "PORT": "9001"]
            )
            #expect(try configuration.decode(String.self, at: "server.grpc.listen") == "127.0.0.1:9001")
            #expect(
                try configuration.decode([String].self, at: "registry.etcd.endpoints")
                    == ["http://a:2379", "http://b:2379"])
            #expect(try configuration.decode(String.self, at: "registry.etcd.username") == "user-service")
            #expect(try configuration.decode(Secret<String>.self, at: "registry.etcd.password").value == "hunter2")
            let unset = try Configuration(yaml: "endpoints: ${ETCD_ENDPOINTS:http://127.0.0.1:2379}")
            #expect(try unset.decode([String].self, at: "endpoints") == ["http://127.0.0.1:2379"])
        }
    }
}
