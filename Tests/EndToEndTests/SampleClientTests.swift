import Foundation
import ServiceKit
import ServiceKitTestSupport
import Testing

/// The sample client as a process.
@Suite(.timeLimit(.minutes(3))) struct SampleClientTests {
    private struct Summary: Decodable {
        var calls: Int
        var failures: Int
        var open: Int
        var missed: Int
        var p50_us: Int?
        var p99_us: Int?
        var instances: [String: Int]
    }

    private func summary(of client: RunningProgram) throws -> Summary {
        let output = client.output
        #expect(output.hasSuffix("}\n"))
        #expect(output.split(separator: "\n").count == 1)
        return try JSONDecoder().decode(Summary.self, from: Data(output.utf8))
    }

    @Test(arguments: ["p2c", "round_robin"])
    func callsReachEveryInstance(balancer: String) async throws {
        try await Fleet.with { fleet in
            let servers = [
                try await fleet.start("user-1"), try await fleet.start("user-2"), try await fleet.start("user-3"),
            ]
            // The calls are spread over time. Otherwise the first connected instance could answer them all.
            let client = try RunningProgram.userClient(
                registry: fleet.directory.path,
                [
                    "--count", "600", "--concurrency", "6", "--rate", "200", "--json",
                    "--set", "client.balancer=\(balancer)",
                ]
            )
            #expect(try await client.waitForExit() == .exited(0))
            let summary = try summary(of: client)
            #expect(summary.calls == 600)
            #expect(summary.failures == 0)
            let (p50, p99) = (try #require(summary.p50_us), try #require(summary.p99_us))
            #expect(p50 > 0 && p50 <= p99)
            #expect(Set(summary.instances.keys) == ["user-1", "user-2", "user-3"])
            #expect(summary.instances.values.reduce(0, +) == 600)
            for server in servers { server.signal(SIGTERM) }
            for server in servers { _ = try await server.waitForExit() }
        }
    }

    @Test func callsFailAtOnceWhenThereIsNoInstance() async throws {
        let directory = try TemporaryDirectory()
        let client = try RunningProgram.userClient(registry: directory.path, ["--count", "3"])
        #expect(try await client.waitForExit() == .exited(1))
        #expect(client.output.contains("3 unavailable: no instance of \"user-service\""))
    }

    @Test func eachMessageOfFailuresHasALine() async throws {
        try await Fleet.with { fleet in
            let server = try await fleet.start(
                "user-1",
                settings: [
                    "server.faults.header=x-fault", "server.faults.abort.status=UNAVAILABLE",
                    "server.faults.abort.message=on purpose",
                ])
            func client(_ arguments: [String]) async throws -> RunningProgram {
                let client = try RunningProgram.userClient(
                    registry: fleet.directory.path, ["--count", "400"] + arguments)
                _ = try await client.waitForExit()
                return client
            }
            #expect(try await client([]).output.contains("failures   0\n"))
            let failing = try await client([
                "-H", "x-fault=1", "--header", "x-md-global-lane=blue", "--set", "client.breaker.enabled=true",
            ])
            #expect(failing.output.contains("failures   400\n"))
            #expect(failing.output.contains(" unavailable: on purpose\n"), "\(failing.output)")
            #expect(failing.output.components(separatedBy: " unavailable: ").count >= 3, "\(failing.output)")
            let wrong = try await client(["--header", "X Fault:1"])
            #expect(wrong.errors.contains("X Fault:1"))
            server.signal(SIGTERM)
            _ = try await server.waitForExit()
        }
    }

    @Test func clientFollowsTheService() async throws {
        try await Fleet.with { fleet in
            let server = try await fleet.start("user-1")
            let client = try RunningProgram.userClient(
                registry: fleet.directory.path,
                ["--duration", "1500ms", "--rate", "50", "--follow"]
            )
            #expect(try await client.waitForExit() == .exited(0))
            #expect(client.output.contains("joined  user-1  grpc://127.0.0.1:"))
            #expect(client.output.contains("failures   0"))
            server.signal(SIGTERM)
            _ = try await server.waitForExit()
        }
    }

    // MARK: - Calls that are not answered

    /// Runs a body while the only server is suspended: it keeps its connections and answers nothing.
    private func withStoppedServer(_ body: @escaping @Sendable (Fleet) async throws -> Void) async throws {
        try await Fleet.with { fleet in
            let server = try await fleet.start("user-1")
            server.signal(SIGSTOP)
            defer { server.signal(SIGCONT) }
            try await body(fleet)
            server.signal(SIGCONT)
            server.signal(SIGTERM)
            #expect(try await server.waitForExit() == .exited(0))
        }
    }

    /// The calls have no time limit. Only the duration ends the run.
    @Test func aRunEndsAtItsTimeWhenNobodyAnswers() async throws {
        try await withStoppedServer { fleet in
            let client = try RunningProgram.userClient(
                registry: fleet.directory.path,
                [
                    "--duration", "500ms", "--rate", "100", "--concurrency", "3", "--json",
                    "--set", "client.timeouts.default=1h", "--set", "client.ready-timeout=1h",
                ]
            )
            #expect(try await client.waitForExit() == .exited(1), "no call was answered")
            let summary = try summary(of: client)
            #expect(summary.calls == 0)
            #expect(summary.failures == 0)
            #expect(summary.open == 3)
            #expect(summary.missed == 47)
        }
    }

    @Test func aRunWithoutARegistrySaysSo() async throws {
        let directory = try TemporaryDirectory()
        let client = try RunningProgram.userClient(
            registry: directory.path,
            [
                "--duration", "2s", "--set", "registry.backend=etcd",
                "--set", "registry.etcd.endpoints=http://127.0.0.1:1", "--set", "client.timeouts.default=1h",
                "--set", "client.ready-timeout=1h",
            ]
        )
        #expect(try await client.waitForExit() == .exited(1))
        #expect(client.output.contains("\nregistry   away: "), "\(client.output)")
        #expect(client.output.contains("http://127.0.0.1:1"), "\(client.output)")
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func interruptedRunPrintsItsSummary(signal: CInt) async throws {
        try await Fleet.with { fleet in
            let server = try await fleet.start("user-1")
            let client = try RunningProgram.userClient(
                registry: fleet.directory.path,
                ["--count", "1000000", "--concurrency", "2", "--follow", "--set", "client.timeouts.default=1h"]
            )
            try await client.waitForOutput("calls   user-1: ")
            server.signal(SIGSTOP)
            defer { server.signal(SIGCONT) }
            // A second in which no call ended.
            try await client.waitForOutput("calls   \n")
            client.signal(signal)
            #expect(try await client.waitForExit() == .exited(0))
            #expect(client.output.contains("failures   0\nopen       2 not answered at the end, the longest after "))
            server.signal(SIGCONT)
            server.signal(SIGTERM)
            #expect(try await server.waitForExit() == .exited(0))
        }
    }

    @Test(arguments: [
        ["--count", "0"], ["--duration", "5"], ["--rate", "-1"], ["--concurrency", "0"], ["--unknown"],
    ])
    func badArguments(arguments: [String]) async throws {
        let client = try RunningProgram(Executable.userClient, arguments)
        #expect(try await client.waitForExit() == .exited(64))
        #expect(client.errors.contains("Error"))
    }

    @Test func anUnknownBalancer() async throws {
        let directory = try TemporaryDirectory()
        let client = try RunningProgram.userClient(registry: directory.path, ["--set", "client.balancer=best"])
        #expect(try await client.waitForExit() == .exited(1))
        #expect(client.errors.contains("least_request, p2c, "))
    }

    @Test func aWrongOptionOfTheBalancer() async throws {
        let directory = try TemporaryDirectory()
        let client = try RunningProgram.userClient(
            registry: directory.path, ["--set", "client.balancers.p2c.max-idle=abc"])
        #expect(try await client.waitForExit() == .exited(1))
        #expect(client.errors.contains("client.balancers.p2c.max-idle"))
    }
}
