import Foundation
import ServiceKit
import ServiceKitTestSupport
import Testing

/// Mistakes of users who run a service. Each ends the service with one line that names the thing and the remedy.
@Suite(.timeLimit(.minutes(3))) struct BadInputTests {
    /// Runs a server that must not start.
    ///
    /// - Returns: The line on its standard error.
    private func failure(
        config: String,
        settings: [String] = [],
        environment: [String: String] = [:]
    ) async throws -> String {
        let arguments = ["--config", config] + settings.flatMap { ["--set", $0] }
        let server = try RunningProgram(Executable.userServer, arguments, environment: environment)
        #expect(try await server.waitForExit() == .exited(1))
        let lines = server.errors.split(separator: "\n")
        #expect(lines.count == 1, "\(server.errors)")
        #expect(lines.first?.hasPrefix("servicekit-user-server: error: ") == true)
        return String(lines.first ?? "")
    }

    private let config = Executable.configuration("user-server.yaml")

    @Test func portInUse() async throws {
        try await Fleet.with { fleet in
            let first = try await fleet.start("first")
            let endpoint = try #require(fleet.instances.value["first"]?.endpoints.first)
            let line = try await failure(
                config: config,
                settings: [
                    "server.grpc.listen=\(endpoint.authority)", "registry.file.directory=\(fleet.directory.path)",
                    "app.id=second",
                ]
            )
            #expect(line.contains(endpoint.authority))
            #expect(line.contains("in use"))
            first.signal(SIGTERM)
            #expect(try await first.waitForExit() == .exited(0))
            #expect(fleet.directory.files == [])
        }
    }

    @Test func missingConfiguration() async throws {
        let directory = try TemporaryDirectory()
        let line = try await failure(config: directory.path("none.yaml"))
        #expect(line.contains(directory.path("none.yaml")))
    }

    @Test func aDirectoryAsConfiguration() async throws {
        let directory = try TemporaryDirectory()
        #expect(try await failure(config: directory.path).contains("directory"))
    }

    @Test(arguments: [
        ("registry:\n  backend: etdc\n", ":2:12", "file, memory, static"),
        ("registry:\n  bakend: file\n", ":2:3", "backend"),
        ("servr: {}\n", ":1:1", "server"),
        ("server:\n  grpc:\n    lisen: 127.0.0.1:0\n", ":3:5", "listen"),
        ("server:\n  grpc:\n    listen: nowhere\n", ":3:13", "host:port"),
        ("registry:\n  timeout: 5\n", ":2:12", "unit"),
        ("shutdown: [\n", ":2:1", "YAML"),
    ])
    func badConfiguration(yaml: String, place: String, word: String) async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(yaml, to: "config.yaml")
        let line = try await failure(
            config: file,
            environment: ["KIT_REGISTRY__FILE__DIRECTORY": directory.path("registry")]
        )
        #expect(line.contains("\(file)\(place)"))
        #expect(line.contains(word))
        #expect(directory.files == ["config.yaml"])
    }

    @Test func badOverride() async throws {
        #expect(try await failure(config: config, settings: ["server.grpc.listen"]).contains("--set"))
    }

    @Test func aRegistryDirectoryThatCannotBeWritten() async throws {
        let directory = try TemporaryDirectory()
        // A file in the place of the directory stops root as well.
        let file = try directory.write("", to: "file")
        let line = try await failure(config: config, settings: ["registry.file.directory=\(file)/registry"])
        #expect(line.contains("\(file)/registry"))
        #expect(directory.files == ["file"])
    }

    @Test func anIdInUse() async throws {
        try await Fleet.with { fleet in
            let first = try await fleet.start("user-1")
            let line = try await failure(
                config: config,
                settings: ["app.id=user-1", "registry.file.directory=\(fleet.directory.path)"]
            )
            #expect(line.contains("user-1"))
            // The first instance is still registered.
            #expect(fleet.instances.value["user-1"] != nil)
            first.signal(SIGTERM)
            #expect(try await first.waitForExit() == .exited(0))
        }
    }

    @Test func garbageInTheRegistryIsPassedOver() async throws {
        try await Fleet.with { fleet in
            try fleet.directory.write("{\"id\":", to: "user-service/torn.json")
            try fleet.directory.write("hello", to: "user-service/README")
            let server = try await fleet.start("user-1")
            let client = try RunningProgram.userClient(registry: fleet.directory.path, ["--count", "5", "--json"])
            #expect(try await client.waitForExit() == .exited(0))
            server.signal(SIGTERM)
            #expect(try await server.waitForExit() == .exited(0))
        }
    }
}
