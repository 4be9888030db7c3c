import Foundation
import ServiceKit
import TestSupport
import Testing

/// The sample client, as its user runs it.
@Suite(.timeLimit(.minutes(3))) struct SampleClientTests {
    private struct Summary: Decodable {
        var calls: Int
        var failures: Int
        var p50_us: Int
        var p99_us: Int
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
            // They are spread over time: the first instance that is connected to could answer them all meanwhile.
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
            #expect(summary.p50_us > 0)
            #expect(summary.p50_us <= summary.p99_us)
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

    @Test func itFollowsTheService() async throws {
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
        #expect(client.errors.contains("p2c, round_robin"))
    }
}
