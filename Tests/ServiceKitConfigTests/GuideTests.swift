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
}
