import Foundation
import ServiceKit
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

/// Programs whose output has no reader, or no place to go.
@Suite(.timeLimit(.minutes(4)), .serialized) struct StalledOutputTests {
    /// The kinds of outputs that take no log.
    enum DeadLog: String, CaseIterable {
        case fullPipe, closedPipe, fullDisk
    }

    /// Runs a body with an output that takes nothing.
    private static func with(_ log: DeadLog, _ body: (ChildProcess.Stream) async throws -> Void) async throws {
        switch log {
        case .fullDisk:
            try await body(.file("/dev/full"))
        case .fullPipe, .closedPipe:
            let pipe = try StalledPipe(isFull: log == .fullPipe)
            if log == .closedPipe { pipe.closeReader() }
            try await body(.descriptor(pipe.writer))
            pipe.closeReader()
        }
    }

    @Test(arguments: DeadLog.allCases)
    func aServerServesAndStopsInOrder(log: DeadLog) async throws {
        try await Self.with(log) { log in
            try await Fleet.with { fleet in
                let server = try RunningProgram.userServer(
                    id: "user-1", settings: fleet.settings + ["log.level=info"], errors: log
                )
                let endpoint = try #require(
                    await fleet.instances.first { $0["user-1"] != nil }?["user-1"]?.endpoints.first
                )
                let load = try await fleet.underLoad(callers: 64) {
                    let health = try await RunningProgram.run(
                        Executable.kit,
                        ["call", "grpc.health.v1.Health/Check", "--address", endpoint.authority]
                    )
                    #expect(health.exit == .exited(0))
                    #expect(health.output.contains("SERVING"))
                }
                #expect(load.failures == [:])
                server.signal(SIGTERM)
                #expect(try await server.waitForExit() == .exited(0))
                #expect(fleet.directory.files == [])
            }
        }
    }

    @Test(arguments: DeadLog.allCases)
    func aServerThatCannotStartEnds(log: DeadLog) async throws {
        try await Self.with(log) { log in
            let server = try RunningProgram.userServer(id: "user-1", settings: ["server.grpc.nothing=1"], errors: log)
            #expect(try await server.waitForExit() == .exited(1))
        }
    }

    @Test func droppedLinesAreCounted() async throws {
        let pipe = try StalledPipe()
        try await Fleet.with { fleet in
            let server = try RunningProgram.userServer(
                id: "user-1", settings: fleet.settings + ["log.level=info"], errors: .descriptor(pipe.writer)
            )
            _ = try #require(await fleet.instances.first { $0["user-1"] != nil })
            let client = try RunningProgram.userClient(
                registry: fleet.directory.path, ["--count", "10000", "--concurrency", "64", "--json"]
            )
            #expect(try await client.waitForExit() == .exited(0))
            let log = await pipe.read(until: "could be written\n").value
            let calls = log.split(separator: "\n").count { $0.contains("] call") }
            let dropped = log.matches(of: /dropped=(\d+)/).compactMap { Int($0.1) }
            #expect(dropped.count == 1)
            // A call that the client has tried again has two lines, and a dropped line may be no call's.
            let lines = calls + dropped.reduce(0, +)
            #expect((10_000...10_050).contains(lines), "\(lines)")

            let reading = pipe.read(until: "] stopped\n")
            server.signal(SIGTERM)
            #expect(try await server.waitForExit() == .exited(0))
            #expect(await reading.value.contains("] stopping\n"), "lines are written again")
        }
    }

    @Test func aClientWhoseSummaryNobodyReadsEnds() async throws {
        let pipe = try StalledPipe()
        try await Fleet.with { fleet in
            let server = try await fleet.start("user-1")
            let client = try RunningProgram.userClient(
                registry: fleet.directory.path, ["--count", "3"], output: .descriptor(pipe.writer)
            )
            let exit = try await client.waitForExit()
            #expect(exit == .exited(0), "\(client.errors)")
            server.signal(SIGTERM)
            #expect(try await server.waitForExit() == .exited(0))
        }
        pipe.closeReader()
    }

    /// The log would go into another file that got the number of the closed one.
    @Test func aServerWithoutStandardErrorServes() async throws {
        try await Fleet.with { fleet in
            let settings = ["app.id=user-1", "shutdown.lame-duck=50ms", "log.level=info"] + fleet.settings
            let server = try RunningProgram(
                "/bin/sh",
                ["-c", "exec \"$0\" \"$@\" 0<&- 2>&-", Executable.userServer, "--config"]
                    + [Executable.configuration("user-server.yaml")] + settings.flatMap { ["--set", $0] }
            )
            _ = try #require(await fleet.instances.first { $0["user-1"] != nil })
            let files = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(server.processID)/fd").map {
                try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(server.processID)/fd/\($0)")
            }
            #expect(files.contains("/dev/null"))
            let client = try RunningProgram.userClient(registry: fleet.directory.path, ["--count", "1000"])
            #expect(try await client.waitForExit() == .exited(0))
            server.signal(SIGTERM)
            #expect(try await server.waitForExit() == .exited(0))
        }
    }

    @Test func aWatchEndsWhoseOutputNobodyReads() async throws {
        let pipe = try StalledPipe()
        let directory = try TemporaryDirectory()
        let options = ["--backend", "file", "--set", "registry.file.directory=\(directory.path)"]
        let watch = try RunningProgram(
            Executable.kit, ["registry", "watch"] + options, output: .descriptor(pipe.writer)
        )
        let owner = try RunningProgram(
            Executable.kit,
            ["registry", "register", "--name", "user-service", "--endpoint", "grpc://127.0.0.1:9000"] + options,
            output: .descriptor(pipe.writer)
        )
        try await eventually { !directory.files.isEmpty }
        // The owner has caught the signal by now: it watches the directory and registers only after that.
        owner.signal(SIGTERM)
        #expect(try await owner.waitForExit() == .exited(0))
        #expect(!directory.files.contains { $0.hasSuffix(".json") }, "it is deregistered")
        watch.signal(SIGTERM)
        #expect(try await watch.waitForExit() == .exited(0))
    }
}
