import ServiceKitConfig
import Testing

/// The example of the guide.
@Suite struct GuideTests {
    struct ListenerSettings: ConfigurationSection {
        var listen = "127.0.0.1:9000"
        var maxMessage: ByteCount = .mebibytes(4)
        var idleTimeout: Duration? = nil

        static let ranges = [
            OptionRange("max-message", \ListenerSettings.maxMessage, 1...(.gibibytes(2))),
            OptionRange("idle-timeout", \ListenerSettings.idleTimeout, .milliseconds(1)...(.seconds(3600))),
        ]
    }

    struct ServerSettings: ConfigurationSection {
        var grpc = ListenerSettings()
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
            overrides: ["server.grpc.idle-timeout=1m30s"]
        )
        return configuration
    }

    @Test func theExampleWorks() throws {
        try withTemporaryDirectory { directory in
            let file = "\(directory)/config.yaml"
            try write(
                """
                server:
                  grpc:
                    listen: 0.0.0.0:9000
                    max-message: 16MiB
                  labels:
                    zone: north
                """,
                to: file
            )
            let configuration = try Configuration.load(
                files: [file],
                environment: ["KIT_SERVER__GRPC__MAX_MESSAGE": "32MiB"],
                overrides: ["server.grpc.idle-timeout=1m30s"]
            )
            let server = try configuration.decode(ServerSettings.self, at: "server")
            try configuration.checkForUnknownKeys()

            #expect(server.grpc.listen == "0.0.0.0:9000")
            #expect(server.grpc.maxMessage == .mebibytes(32))
            #expect(server.grpc.idleTimeout == .seconds(90))
            #expect(server.labels == ["zone": "north"])
        }
    }

    @Test func theRangesOfTheExampleHold() throws {
        let error = #expect(throws: ConfigurationError.self) {
            try Configuration(yaml: "max-message: 3GiB", origin: "a.yaml").decode(ListenerSettings.self, at: "")
        }
        #expect(error?.description == "a.yaml:1:14: max-message: expected 1 to 2GiB, found \"3GiB\"")
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
        }
    }
}
