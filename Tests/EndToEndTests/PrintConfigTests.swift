import Foundation
import ServiceKitTestSupport
import Testing

/// A program describes its own configuration.
@Suite(.timeLimit(.minutes(3))) struct PrintConfigTests {
    private func printed(_ form: String) async throws -> String {
        let directory = try TemporaryDirectory()
        let arguments = [
            "--config", Executable.configuration("user-server.yaml"), "--print-config", form, "--set",
            "registry.file.directory=\(directory.path)",
        ]
        let result = try await RunningProgram.run(Executable.userServer, arguments) { _ in }
        #expect(result.exit == .exited(0), "\(result.errors)")
        #expect(try directory.contents() == [], "nothing is registered")
        return result.output
    }

    @Test func schemaHasTheSectionsOfAllModulesAndRefusesOthers() async throws {
        let text = try await printed("schema")
        let schema = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(schema["title"] as? String == "The configuration of user-service")
        #expect(schema["additionalProperties"] as? Bool == false)
        let sections = try #require(schema["properties"] as? [String: Any])
        #expect(
            Set(sections.keys) == [
                "app", "client", "clients", "config", "log", "metrics", "registry", "server", "shutdown",
                "startup",
            ]
        )
    }

    @Test func referenceIsAConfigurationFile() async throws {
        let text = try await printed("reference")
        #expect(text.contains("\n  #grpc:\n"))
        #expect(text.contains("\n  #listen:\n"))
    }

    @Test(arguments: ["schema", "reference"]) func fullDiskIsAFailure(form: String) async throws {
        let command =
            "exec '\(Executable.userServer)' --config '\(Executable.configuration("user-server.yaml"))' --print-config \(form) "
            + "> /dev/full"
        let result = try await RunningProgram.run("/bin/sh", ["-c", command])
        #expect(result.exit == .exited(1))
        #expect(
            result.errors.contains("error: cannot write standard output: No space left on device"), "\(result.errors)")
    }
}
