import Foundation
import GRPCCore
import ServiceKit
import ServiceKitConfig
import ServiceKitTestSupport
import ServiceKitTesting
import Synchronization
import Testing

@testable import ServiceKitGRPC

/// Options of the way to a pick that change while the App runs.
@Suite(.timeLimit(.minutes(3)))
struct LiveBalancingTests {
    // MARK: - Balancers

    @Test func balancerIsReplacedAndNodesKeepConnectionsAndStatistics() async throws {
        try await withTestBed { bed in
            for id in ["a", "b", "c"] { try await bed.server(id) }
            let live = try await LiveApp("", registry: bed.registry)
            let channel = try live.app.channel("test")
            try await serving(live.app, log: live.log) {
                _ = await channel.pool.connectivity.first { _ in
                    channel.snapshot().nodes.count { $0.connectivity == .ready } == 3
                }
                for _ in 1...30 { _ = try await channel.text() }
                try await live.change(to: "client: {balancer: round_robin}")
                var counts: [String: Int] = [:]
                for _ in 1...30 { counts[try await channel.text(), default: 0] += 1 }
                #expect(counts == ["a": 10, "b": 10, "c": 10])
                let requests = { (ids: Set<String>) in
                    channel.snapshot().nodes.filter { ids.contains($0.id) }.map(\.requests).reduce(0, +)
                }
                #expect(requests(["a", "b", "c"]) == 60)

                // Nodes that come and go later come to the new balancer.
                let late = try await bed.server("d")
                while try await channel.text() != "d" {}
                await late.drain()
                try await late.deregister()

                try await live.change(to: "client: {balancer: p2c, balancers: {p2c: {decay: 1s}}}")
                let before = requests(["a", "b", "c"])
                for _ in 1...30 { _ = try await channel.text() }
                #expect(requests(["a", "b", "c"]) == before + 30)
                #expect(live.status.generation == 3 && live.status.needsRestart == [])
            }
        }
    }

    @Test func balancerIsMadeAnewOnlyIfItsNameOrOptionsChange() async throws {
        struct Options: ConfigurationSection {
            var start = 0
        }
        let starts = Mutex<[Int]>([])
        let counted = Plugin.balancer("counted") { (options: Options) in
            starts.withLock { $0.append(options.start) }
            return RoundRobin()
        }
        let yaml = { (start: Int, burst: Int) in
            "client: {balancer: counted, balancers: {counted: {start: \(start)}}, retry: {burst: \(burst)}}"
        }
        let live = try await LiveApp(yaml(1, 1), registry: MemoryRegistry(), plugins: [counted])
        _ = try live.app.channel("test")
        try await serving(live.app, log: live.log) {
            #expect(starts.withLock(\.self) == [1, 1, 1, 1])
            try await live.change(to: yaml(1, 2))
            #expect(starts.withLock(\.self) == [1, 1, 1, 1])
            try await live.change(to: yaml(2, 2))
            #expect(starts.withLock(\.self) == [1, 1, 1, 1, 2, 2, 2, 2])
        }
    }

    @Test(arguments: [
        ("{balancer: roundrobin}", "3:20: client.balancer: no balancer \"roundrobin\" is linked"),
        ("{balancers: {ring: {}}}", "3:28: client.balancers.ring: no balancer \"ring\" is linked"),
        ("{balancers: {p2c: {decay: 0s}}}", "3:35: client.balancers.p2c.decay: expected 1ms to 1h"),
        ("{retry: {attempts: 0}}", "3:28: client.retry.attempts: expected 1 to 100"),
        ("{timeouts: {default: 0s}}", "3:30: client.timeouts.default: expected 1ms to 8760h"),
        ("{retri: {attempts: 2}}", "3:10: client.retri: unknown key"),
    ])
    func badOptionIsRefusedWithItsPlaceAndTheOldOnesStay(_ options: String, _ error: String) async throws {
        try await withLiveApp { live, channel in
            try await live.change(to: "client: \(options)")
            #expect(live.status.refusal?.hasPrefix("\(live.file):\(error)") == true, "\(live.status)")
            #expect(live.status.generation == 1)
            #expect(try await channel.text() == "a")
        }
    }

    // MARK: - Outliers

    @Test func instanceThatFailsIsEjectedOnceTheOptionIsOnAndBackOnceItIsOff() async throws {
        try await withTestBed { bed in
            let fails: TestService.Handler = { _, _ in
                throw ServiceError(.unavailable, reason: "DOWN", message: "down")
            }
            try await bed.server("bad", ["Work": fails])
            for id in ["a", "b"] { try await bed.server(id, ["Work": { _, _ in .text("done") }]) }
            let live = try await LiveApp("client: {balancer: round_robin}", registry: bed.registry)
            let channel = try live.app.channel("test")
            try await serving(live.app, log: live.log) {
                let ejected = { channel.snapshot().nodes.filter { $0.ejectedUntil != nil }.map(\.id) }
                _ = await channel.pool.connectivity.first { _ in
                    channel.snapshot().nodes.count { $0.connectivity == .ready } == 3
                }
                for _ in 0..<30 { _ = await channel.failure("Work") }
                #expect(ejected() == [])
                let yaml = "client: {balancer: round_robin, outlier-ejection: {enabled: true, base-time: 1h}}"
                try await live.change(to: yaml)
                var failures = 0
                for _ in 0..<60 where await channel.failure("Work") != nil { failures += 1 }
                #expect(failures == 5)
                #expect(ejected() == ["bad"])
                try await live.change(to: "client: {balancer: round_robin}")
                #expect(ejected() == [])
                #expect(live.status.needsRestart == [])
            }
        }
    }

    // MARK: - The way to a pick

    /// The ids of the instances that the channel connects to.
    private func connected(_ channel: ServiceChannel) -> Set<String> {
        Set(channel.snapshot().nodes.filter { $0.connectivity != .shutdown }.map(\.id))
    }

    @Test func subsetAndFilterChooseTheInstancesToConnectTo() async throws {
        try await withTestBed { bed in
            let ids = ["a", "b", "c", "d", "e", "f"]
            for id in ids { try await bed.server(id, metadata: ["env": id < "d" ? "live" : "staging"]) }
            let live = try await LiveApp("client: {subset: {size: 2}}", registry: bed.registry)
            let channel = try live.app.channel("test")
            try await serving(live.app, log: live.log) {
                try await eventually { connected(channel).count == 2 }
                #expect(ids.contains(try await channel.text()))
                try await live.change(to: "client: {subset: {size: null}}")
                try await eventually { connected(channel) == Set(ids) }
                try await live.change(to: "client: {filter: {labels: {env: staging}}}")
                try await eventually { connected(channel) == ["d", "e", "f"] }
                try await live.change(to: "client: {filter: {version: none}, settle-timeout: 1ms}")
                try await eventually { connected(channel) == [] }
                #expect(await channel.failure()?.message.hasSuffix("is registered and passes client.filter") == true)
                try await live.change(to: "client: {subset: {size: 1}, filter: {labels: {env: live}}}")
                try await eventually { connected(channel).count == 1 }
                #expect(live.status.needsRestart == [])
            }
        }
    }

    /// A key has the same node for all clients only if they know the same nodes; and a lane is there for all of them.
    @Test func keysAndLanesTakeNoSubset() async throws {
        try await withTestBed { bed in
            let ids = ["a", "b", "c", "d"]
            for id in ids { try await bed.server(id) }
            try await bed.server("blue", metadata: ["lane": "blue"])
            let live = try await LiveApp("client: {subset: {size: 1}}", registry: bed.registry)
            let channel = try live.app.channel("test")
            try await serving(live.app, log: live.log) {
                try await eventually { connected(channel).count == 1 }
                try await live.change(to: "client: {subset: {size: 1}, lanes: {enabled: true}}")
                try await eventually { connected(channel).count == 2 && connected(channel).contains("blue") }
                try await live.change(to: "client: {subset: {size: 1}, balancer: consistent_hash}")
                try await eventually { connected(channel) == Set(ids + ["blue"]) }
                try await live.change(to: "client: {subset: {size: 1}}")
                try await eventually { connected(channel).count == 1 }
                #expect(live.status.needsRestart == [])
            }
        }
    }

    @Test func weightOfANewInstanceGrowsAndSlowStartChangesWhileItDoes() async throws {
        try await withTestBed { bed in
            try await bed.server("a")
            let live = try await LiveApp("client: {slow-start: {window: 1h, min-share: 0.2}}", registry: bed.registry)
            let channel = try live.app.channel("test")
            let weights = { channel.snapshot().nodes.filter { $0.connectivity == .ready }.map(\.weight) }
            try await serving(live.app, log: live.log) {
                try await eventually { weights() == [20] }
                try await live.change(to: "client: {slow-start: {window: 300ms}}")
                try await eventually { weights() == [100] }
                try await live.change(to: "client: {slow-start: {window: 1h, min-share: 0.3}}")
                #expect(weights() == [30])
                try await live.change(to: "")
                #expect(weights() == [100] && live.status.needsRestart == [])
            }
        }
    }

    @Test func callsStayInTheOwnZoneWhileItIsHealthyAndSpillOver() async throws {
        try await withTestBed { bed in
            try await bed.server("far", metadata: ["zone": "y"])
            let near = try await bed.server("near-1", metadata: ["zone": "z"])
            try await bed.server("near-2", metadata: ["zone": "z"])
            let yaml = "client: {balancer: round_robin, zones: {enabled: true, own: z, over-provisioning: 1}}"
            let live = try await LiveApp(yaml, registry: bed.registry)
            let channel = try live.app.channel("test")
            try await serving(live.app, log: live.log) {
                let eligible = { Set(channel.snapshot().nodes.filter(\.isEligible).map(\.id)) }
                func names() async throws -> Set<String> {
                    var names: Set<String> = []
                    for _ in 0..<40 { names.insert(try await channel.text()) }
                    return names
                }
                try await eventually {
                    channel.snapshot().nodes.count { $0.connectivity == .ready } == 3 && eligible().count == 2
                }
                #expect(try await names() == ["near-1", "near-2"])
                await near.kill()
                try await eventually { eligible() == ["near-2", "far"] }
                #expect(try await names() == ["near-2", "far"])
                try await live.change(to: "client: {zones: {enabled: true, own: y}}")
                #expect(try await names() == ["far"])
                try await live.change(to: "client: {balancer: round_robin}")
                #expect(try await names() == ["near-2", "far"])
                #expect(live.status.needsRestart == [])
            }
        }
    }

    @Test func headerChoosesTheLaneThatServesACall() async throws {
        try await withTestBed { bed in
            try await bed.server("base")
            try await bed.server("red", metadata: ["lane": "red"])
            let live = try await LiveApp("client: {lanes: {enabled: true}}", registry: bed.registry)
            let channel = try live.app.channel("test")
            try await serving(live.app, log: live.log) {
                try await eventually { channel.snapshot().nodes.count { $0.connectivity == .ready } == 2 }
                func names(_ lane: String?) async throws -> Set<String> {
                    var names: Set<String> = []
                    for _ in 0..<20 {
                        let metadata: CallMetadata = lane.map { ["x-md-global-lane": .string($0)] } ?? [:]
                        names.insert(try await withOutgoingMetadata(metadata) { try await channel.text() })
                    }
                    return names
                }
                #expect(try await names(nil) == ["base"])
                #expect(try await names("red") == ["red"])
                #expect(try await names("blue") == ["base"])
                try await live.change(to: "client: {balancer: round_robin}")
                #expect(try await names("red") == ["base", "red"])
                #expect(live.status.needsRestart == [])
            }
        }
    }
}
