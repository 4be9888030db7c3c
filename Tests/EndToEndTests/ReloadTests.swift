import Foundation
import ServiceKitTestSupport
import Testing

/// Services whose configuration changes while they run.
@Suite(.timeLimit(.minutes(2))) struct ReloadTests {
    @Test func changeOfAFileIsTakenOrRefusedAndTheServiceGoesOn() async throws {
        try await TemporaryDirectory.with { directory in
            let good = """
                app: {name: user-service, id: "${ID:user-1}"}
                registry: {file: {directory: "\(directory.path("registry"))"}}
                server: {grpc: {listen: "127.0.0.1:0", advertise: 127.0.0.1}}

                """
            let file = try directory.write(good, to: "config.yaml")
            let server = try RunningProgram(Executable.userServer, ["--config", file])
            _ = try await server.waitForErrors("] serving")

            try directory.write(Array((good + "shutdown:\n  lame-duck: soon\n").utf8), to: "config.yaml")
            let refused = try await server.waitForErrors("configuration refused")
            #expect(refused.contains("\(file):5:14: shutdown.lame-duck: expected a duration"))

            try directory.write(Array((good + "startup: {ready-timeout: 9s}\n").utf8), to: "config.yaml")
            let changed = try await server.waitForErrors("needs a restart")
            #expect(changed.contains("configuration changed"))
            #expect(changed.contains("key=startup.ready-timeout"))

            // Nothing has changed since. Without a handler, the signal would end the service.
            server.signal(SIGHUP)
            try directory.write(Array((good + "shutdown: {lame-duck: 20ms, x: 1}\n").utf8), to: "config.yaml")
            _ = try await server.waitForErrors("configuration refused", times: 2)
            server.signal(SIGTERM)
            #expect(try await server.waitForExit() == .exited(0))
        }
    }

    @Test func levelOfTheLogChangesWhileTheServiceRuns() async throws {
        try await TemporaryDirectory.with { directory in
            let text = """
                app: {name: user-service, id: user-1}
                registry: {file: {directory: "\(directory.path("registry"))"}}
                server: {grpc: {listen: "127.0.0.1:0", advertise: 127.0.0.1}}
                shutdown: {lame-duck: 1ms}

                """
            let file = try directory.write(text + "log: {level: error}\n", to: "config.yaml")
            let server = try RunningProgram(Executable.userServer, ["--config", file])
            try await eventually { directory.files.contains { $0.hasSuffix("user-1.json") } }
            #expect(server.errors == "")
            // The line comes from a logger of the process, and the last one from the App's.
            try directory.write(
                Array((text + "log: {level: error, levels: {user-service: info}}\n").utf8), to: "config.yaml")
            try await server.waitForErrors("configuration changed")
            server.signal(SIGTERM)
            #expect(try await server.waitForExit() == .exited(0))
            #expect(server.errors.contains("[ServiceKit] stopped"), "\(server.errors)")
        }
    }
}
