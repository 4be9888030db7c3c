import Foundation
import ServiceKit
import ServiceKitGRPC
import ServiceKitSampleAPI
import ServiceKitTestSupport
import ServiceKitTesting
import SwiftProtobuf
import Testing

/// The weight of a running instance, changed in its configuration file.
@Suite(.timeLimit(.minutes(3))) struct WeightReloadTests {
    /// Calls of each measured share.
    private static let calls = 3000

    @Test func weightChangedInAFileMovesTheSharesOfTheTraffic() async throws {
        try await Fleet.with { fleet in
            var servers: [RunningProgram] = []
            for id in ["a", "b", "c"] { servers.append(try await fleet.start(id, configuration: Self.file(100))) }
            // On a busy machine the instances answer at different speeds. With so high a floor only the weights count.
            var balancers = Balancers.embedded
            var options = PowerOfTwoChoices.Options()
            options.latencyFloor = .seconds(60)
            balancers.add("p2c") { [options] in PowerOfTwoChoices(options: options) }
            let channel = try ServiceChannel(
                to: "user-service",
                discoverer: fleet.discovery,
                options: Fleet.channelOptions(),
                balancers: balancers
            )
            try await channel.withConnections {
                let users = User_V1_UserService.Stub(channel)
                try await eventually { channel.snapshot().nodes.count(where: \.isEligible) == 3 }
                try await Self.expectShares(["a": 1 / 3, "b": 1 / 3, "c": 1 / 3], users, channel)

                try fleet.configure("a", Self.file(400))
                try await eventually { channel.snapshot().instances.first { $0.id == "a" }?.weight == 400 }
                try await Self.expectShares(["a": 4 / 6, "b": 1 / 6, "c": 1 / 6], users, channel)

                // A mistake moves nothing.
                try fleet.configure("a", Self.file(100) + "log: {level: loud}\n")
                try await servers[0].waitForErrors("configuration refused")
                try await Self.expectShares(["a": 4 / 6, "b": 1 / 6, "c": 1 / 6], users, channel)

                try fleet.configure("b", Self.file(0))
                try await eventually { channel.snapshot().instances.first { $0.id == "b" }?.weight == 0 }
                try await Self.expectShares(["a": 4 / 5, "b": 0, "c": 1 / 5], users, channel)
            }
            for server in servers { server.signal(SIGTERM) }
            for server in servers { #expect(try await server.waitForExit() == .exited(0)) }
        }
    }

    private static func file(_ weight: Int) -> String {
        """
        app: {name: user-service, metadata: {weight: "\(weight)"}}
        server: {grpc: {listen: "127.0.0.1:0", advertise: 127.0.0.1}}
        shutdown: {lame-duck: 50ms}

        """
    }

    /// Makes calls, and compares the share of each instance.
    private static func expectShares(
        _ expected: [String: Double],
        _ users: User_V1_UserService.Stub,
        _ channel: ServiceChannel
    ) async throws {
        let before = requests(channel)
        // One after the other: the balancer also keeps the calls in flight even.
        for _ in 0..<calls { _ = try await users.getUser(.with { $0.id = 1 }) }
        let after = requests(channel)
        for (id, share) in expected {
            let found = Double((after[id] ?? 0) - (before[id] ?? 0)) / Double(calls)
            // Five times the deviation of 3,000 draws. An instance of weight 0 gets no call at all.
            #expect(abs(found - share) < (share == 0 ? 0.0001 : 0.05), "\(id): \(found) of the calls, not \(share)")
        }
    }

    private static func requests(_ channel: ServiceChannel) -> [String: Int] {
        Dictionary(uniqueKeysWithValues: channel.snapshot().nodes.map { ($0.id, Int($0.requests)) })
    }
}
