import Foundation
import ServiceKit
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKitGRPC

/// The snapshots of channels.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct ChannelSnapshotTests {
    /// Waits until a channel's snapshot meets a condition.
    private func snapshot(
        of client: TestClient, where condition: (ChannelSnapshot) -> Bool
    ) async throws -> ChannelSnapshot {
        while true {
            let snapshot = client.channel.snapshot()
            if condition(snapshot) { return snapshot }
            try Task.checkCancellation()
            await Task.yield()
        }
    }

    private var patient: ChannelOptions {
        var options = ChannelOptions()
        options.readyTimeout = .seconds(60)
        options.settleTimeout = .seconds(60)
        return options
    }

    @Test func snapshotBeforeTheFirstAnswerIsUnknown() async throws {
        try await withTestBed { bed in
            let client = try bed.client(discoverer: ScriptedDiscoverer())
            let snapshot = client.channel.snapshot()
            #expect(snapshot == ChannelSnapshot(service: "test", connectivity: .connecting, discovery: .init()))
        }
    }

    @Test func snapshotDescribesAReadyNode() async throws {
        try await withTestBed { bed in
            let endpoint = try await bed.server("a").endpoint
            let client = try bed.client()
            for _ in 0..<3 { #expect(try await client.text() == "a") }
            let snapshot = client.channel.snapshot()
            #expect(snapshot.connectivity == .ready && snapshot.failure == nil)
            #expect(snapshot.discovery.state == .live && snapshot.discovery.lastContact != nil)
            #expect(snapshot.instances.map(\.id) == ["a"])
            let node = try #require(snapshot.nodes.first)
            #expect(node.id == "a" && node.endpoint == endpoint && node.connectivity == .ready && node.isEligible)
            #expect(node.requests == 3 && node.inFlight == 0 && node.success == 1)
            #expect(node.latency > 0 && node.latency < 60)
            #expect(snapshot.callsInFlight == 0 && snapshot.callsWaiting == 0)
        }
    }

    @Test func snapshotDescribesADeadNode() async throws {
        try await withTestBed { bed in
            try await bed.deadInstance("a")
            let client = try bed.client(patient)
            let snapshot = try await snapshot(of: client) { $0.connectivity == .transientFailure }
            #expect(snapshot.failure?.contains("cannot connect to") == true)
            #expect(snapshot.nodes.first?.failure?.contains("cannot connect to") == true)
            #expect(snapshot.nodes.first?.isEligible == false)
        }
    }

    @Test func snapshotCountsCallsInFlightAndWaitingCalls() async throws {
        try await withTestBed { bed in
            let client = try bed.client(patient)
            let call = Task { try await client.text("Slow") }
            let waiting = try await snapshot(of: client) {
                $0.callsWaiting == 1 && $0.connectivity == .transientFailure
            }
            #expect(waiting.callsInFlight == 0 && waiting.failure == "no instance can be called")
            let gate = Gate()
            let server = try await bed.server("a", ["Slow": TestService.text("a", behind: gate)])
            await gate.waitForArrivals()
            _ = try await snapshot(of: client) { $0.callsInFlight == 1 && $0.callsWaiting == 0 }
            // The node ends its calls although it gets no more.
            try await server.deregister()
            let draining = try await snapshot(of: client) { $0.instances.isEmpty }
            #expect(draining.nodes.map(\.inFlight) == [1] && draining.callsInFlight == 1)
            #expect(draining.nodes.first?.isEligible == false && draining.nodes.first?.connectivity == .shutdown)
            gate.open()
            #expect(try await call.value == "a")
            _ = try await snapshot(of: client) { $0.nodes.isEmpty }
        }
    }

    @Test func snapshotNamesTheCauseOfAStaleRegistry() async throws {
        try await withTestBed { bed in
            let endpoint = try await bed.server("a", isRegistered: false).endpoint
            let discoverer = ScriptedDiscoverer()
            discoverer.say(endpoint)
            let client = try bed.client(discoverer: discoverer)
            #expect(try await client.text() == "a")
            discoverer.say(endpoint, state: .stale(since: .now, cause: "connection refused"))
            let snapshot = try await snapshot(of: client) { $0.discovery.state == .stale }
            let (since, contact) = (snapshot.discovery.staleSince, snapshot.discovery.lastContact)
            #expect(snapshot.discovery.cause == "connection refused")
            #expect(try #require(contact) <= (try #require(since)))
            #expect(snapshot.connectivity == .ready && snapshot.instances.map(\.id) == ["a"])
        }
    }

    @Test func snapshotOfAShutDownChannelSaysSo() async throws {
        try await withTestBed { bed in
            try await bed.server("a")
            let client = try bed.client()
            #expect(try await client.text() == "a")
            await client.shutDown()
            let snapshot = client.channel.snapshot()
            #expect(snapshot.connectivity == .shutdown && snapshot.nodes.isEmpty)
        }
    }

    @Test func snapshotIsEncodedAndDecoded() async throws {
        try await withTestBed { bed in
            try await bed.server("a", metadata: ["zone": "z"])
            let client = try bed.client()
            #expect(try await client.text() == "a")
            let snapshot = client.channel.snapshot()
            let data = try JSONEncoder().encode(snapshot)
            #expect(try JSONDecoder().decode(ChannelSnapshot.self, from: data) == snapshot)
        }
    }
}
