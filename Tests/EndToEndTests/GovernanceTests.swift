import Foundation
import ServiceKit
import ServiceKitTestSupport
import Testing

/// Balancing and protection between processes: the sample servers, of which each has a trouble of its own, and the sample
/// client.
@Suite(.serialized, .timeLimit(.minutes(3))) struct GovernanceTests {
    private struct Summary: Decodable {
        var statuses: [String: Int]
        var instances: [String: Int]
        /// In microseconds.
        var p50_us: Int
        var p99_us: Int

        /// The share of the answers that came from an instance.
        func share(_ id: String) -> Double {
            Double(instances[id] ?? 0) / Double(max(1, instances.values.reduce(0, +)))
        }
    }

    /// Three servers: `slow` takes 200 ms longer, `small` serves 21 calls at a time, for 64 callers, `doomed` is killed.
    @Test func theDefaultBalancerAvoidsASlowServer() async throws {
        try await Fleet.with { fleet in
            var found: [String: Summary] = [:]
            for balancer in ["p2c", "round_robin"] {
                let servers = [
                    try await fleet.start("slow-\(balancer)", settings: ["server.faults.delay.duration=200ms"]),
                    try await fleet.start(
                        "small-\(balancer)",
                        settings: [
                            "server.faults.delay.duration=5ms", "server.limit.concurrency=fixed",
                            "server.limit.fixed.max=21",
                        ]),
                    try await fleet.start("doomed-\(balancer)", settings: ["server.faults.delay.duration=5ms"]),
                ]
                let client = try RunningProgram.userClient(
                    registry: fleet.directory.path,
                    [
                        "--count", "1800", "--rate", "300", "--concurrency", "64", "--json", "--follow",
                        "--set", "client.balancer=\(balancer)",
                    ]
                )
                // By then so many calls have gone well that each of those which the killed server has may be made again: their
                // number is that of the callers at most, and a tenth of the calls, and twelve more, may be.
                try await eventually {
                    Self.answers(of: "doomed-\(balancer)", in: client.output) >= 200
                }
                servers[2].signal(SIGKILL)
                _ = try await client.waitForExit()
                found[balancer] = try Self.summary(of: client)
                servers[0].signal(SIGTERM)
                servers[1].signal(SIGTERM)
                for server in servers { _ = try await server.waitForExit() }
                try await fleet.waitUntilGone("slow-\(balancer)")
                try await fleet.waitUntilGone("small-\(balancer)")
            }
            let (ours, plain) = (try #require(found["p2c"]), try #require(found["round_robin"]))
            for (balancer, summary) in found.sorted(by: { $0.key < $1.key }) { print("\(balancer): \(summary)") }
            // The calls that the killed server had taken are made again elsewhere, and none of them fails, however many calls the
            // small one refuses: those have a budget of their own. When it is used up, or all servers that are left are full,
            // they stay refused.
            for summary in [ours, plain] {
                #expect(summary.statuses.keys.allSatisfy { $0 == "resourceExhausted" }, "\(found)")
            }
            // On a busy machine all servers are slow: no closer bound holds. The simulations have those.
            #expect(ours.share("slow-p2c") < plain.share("slow-round_robin"), "\(found)")
        }
    }

    /// Other programs take the processors. A server with few calls serves each of them.
    @Test func busyMachineIsNoReasonToRefuseCalls() async throws {
        try await Fleet.with { fleet in
            let server = try await fleet.start("only")
            let loops = try (0..<4).map { _ in try RunningProgram("/bin/sh", ["-c", "while :; do :; done"]) }
            let client = try RunningProgram.userClient(
                registry: fleet.directory.path,
                ["--count", "300", "--rate", "100", "--concurrency", "32", "--json"]
            )
            _ = try await client.waitForExit()
            for loop in loops { loop.signal(SIGKILL) }
            for loop in loops { _ = try await loop.waitForExit() }
            server.signal(SIGTERM)
            _ = try await server.waitForExit()
            let summary = try Self.summary(of: client)
            #expect(summary.statuses.isEmpty, "\(summary)")
            #expect(summary.instances == ["only": 300])
        }
    }

    /// With the algorithm that is the default: a server that has more calls than it may let wait.
    @Test func overloadedServerRefusesCalls() async throws {
        try await Fleet.with { fleet in
            let limit = "server.limit.adaptive"
            let server = try await fleet.start("only", settings: ["\(limit).target-delay=5ms", "\(limit).min=10"])
            let client = try RunningProgram.userClient(
                registry: fleet.directory.path, ["--count", "4000", "--concurrency", "512", "--json"])
            _ = try await client.waitForExit()
            server.signal(SIGTERM)
            _ = try await server.waitForExit()
            let summary = try Self.summary(of: client)
            #expect(summary.statuses.keys.sorted() == ["resourceExhausted"], "\(summary)")
            #expect(summary.instances["only", default: 0] > 20, "\(summary)")
        }
    }

    /// The calls that a server has answered so far, by the lines of a client that follows.
    private static func answers(of id: String, in output: String) -> Int {
        output.split(separator: "\(id): ").dropFirst().reduce(0) { $0 + (Int($1.prefix(while: \.isNumber)) ?? 0) }
    }

    private static func summary(of client: RunningProgram) throws -> Summary {
        let line = try #require(client.output.split(separator: "\n").last)
        return try JSONDecoder().decode(Summary.self, from: Data(line.utf8))
    }
}
