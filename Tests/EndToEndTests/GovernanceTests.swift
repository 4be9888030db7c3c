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
                // The kill comes when the server has answered calls.
                _ = try await client.waitForOutput("doomed-\(balancer): ")
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
            // The death of a server fails no call. The limit of another one refuses some.
            for summary in [ours, plain] { #expect(summary.statuses.allSatisfy { $0.key == "resourceExhausted" }) }
            #expect(ours.share("slow-p2c") < plain.share("slow-round_robin"), "\(found)")
        }
    }

    private static func summary(of client: RunningProgram) throws -> Summary {
        let line = try #require(client.output.split(separator: "\n").last)
        return try JSONDecoder().decode(Summary.self, from: Data(line.utf8))
    }
}
