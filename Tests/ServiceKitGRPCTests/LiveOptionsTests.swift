import Foundation
import GRPCCore
import ServiceKit
import ServiceKitConfig
import ServiceKitTestSupport
import ServiceKitTesting
import Synchronization
import Testing

@testable import ServiceKitGRPC

/// Options of servers and channels that change while the App runs.
@Suite(.timeLimit(.minutes(3)))
struct LiveOptionsTests {
    /// Runs an App that serves the tests' service and calls itself.
    private func withApp(
        _ yaml: String = "",
        _ handlers: [String: TestService.Handler] = [:],
        _ body: (LiveApp, ServiceChannel) async throws -> Void
    ) async throws {
        let live = try await LiveApp(yaml, registry: MemoryRegistry())
        let service = TestService(id: "a", handlers)
        live.app.serve(service, descriptors: []) { $0 = service.methods }
        let channel = try live.app.channel("test")
        try await serving(live.app, log: live.log) {
            var patient = CallOptions.defaults
            patient.waitForReady = true
            #expect(try await channel.text(options: patient) == "a")
            try await body(live, channel)
        }
    }

    // MARK: - Calls

    @Test func retryOptionsChangeForTheNextCall() async throws {
        // Every other call fails.
        let calls = Atomic(0)
        let flaky: TestService.Handler = { _, _ in
            let number = calls.add(1, ordering: .relaxed).newValue
            if number.isMultiple(of: 2) { return .text("even") }
            throw ServiceError(.unavailable, reason: "ODD", message: "odd")
        }
        try await withApp("", ["Flaky": flaky]) { live, channel in
            #expect(await channel.failure("Flaky")?.code == .unavailable)
            #expect(await channel.failure("Flaky") == nil)
            try await live.change(to: "client: {retry: {idempotent: [/test.Service/Flaky]}}")
            for _ in 1...3 { #expect(try await channel.text("Flaky") == "even") }
            try await live.change(to: "client: {retry: {idempotent: [/test.Service/Flaky], attempts: 1}}")
            #expect(await channel.failure("Flaky")?.code == .unavailable)
            #expect(await channel.failure("Flaky") == nil)
            // No retry is left.
            try await live.change(to: "client: {retry: {idempotent: [/test.Service/Flaky], burst: 0}}")
            #expect(await channel.failure("Flaky")?.code == .unavailable)
            #expect(live.status.needsRestart == [])
        }
    }

    @Test(arguments: ["client", "server"])
    func timeoutsChangeForTheNextCall(_ side: String) async throws {
        let gate = Gate()
        try await withApp("", ["Hold": TestService.text("held", behind: gate)]) { live, channel in
            let first = Task { try await channel.text("Hold") }
            await gate.waitForArrivals()
            try await live.change(to: "\(side): {timeouts: {default: 50ms}}")
            #expect(await channel.failure("Hold")?.code == .deadlineExceeded)
            try await live.change(to: "\(side): {timeouts: {default: 1h, methods: {/test.Service/Hold: 40ms}}}")
            #expect(await channel.failure("Hold")?.code == .deadlineExceeded)
            // A call has the limits with which it began.
            gate.open()
            #expect(try await first.value == "held")
            try await live.change(to: "\(side): {timeouts: {default: 1h}}")
            #expect(try await channel.text("Hold") == "held")
            #expect(live.status.needsRestart == [])
        }
    }

    @Test(arguments: ["client", "server"])
    func faultsChangeForTheNextCall(_ side: String) async throws {
        try await withApp { live, channel in
            try await live.change(to: "\(side): {faults: {abort: {status: PERMISSION_DENIED}}}")
            #expect(await channel.failure()?.code == .permissionDenied)
            try await live.change(to: "\(side): {faults: {methods: {/test.Service/: {abort: {status: NOT_FOUND}}}}}")
            #expect(await channel.failure()?.code == .notFound)
            try await live.change(to: "\(side): {faults: {delay: {duration: 1ms, percentage: 200}}}")
            #expect(live.status.refusals == 1)
            #expect(await channel.failure()?.code == .notFound)
            try await live.change(to: "")
            #expect(try await channel.text() == "a")
            #expect(live.status.needsRestart == [])
        }
    }

    @Test(arguments: ["client: {", "clients: {test: {", "server: {"])
    func breakersChangeForTheNextCall(_ section: String) async throws {
        let down: TestService.Handler = { _, _ in throw ServiceError(.unavailable, reason: "DOWN", message: "down") }
        func yaml(_ isEnabled: Bool) -> String {
            let end = section.hasPrefix("clients") ? "}}" : "}"
            return section + "breaker: {enabled: \(isEnabled), min-requests: 5, window: 1h}" + end
        }
        func refusals(_ channel: ServiceChannel) async -> Int {
            var count = 0
            for _ in 0..<50 where await channel.failure("Down")?.serviceError.reason == "CIRCUITBREAKER" { count += 1 }
            return count
        }
        try await withApp("", ["Down": down]) { live, channel in
            #expect(await refusals(channel) == 0)
            try await live.change(to: yaml(true))
            #expect(await refusals(channel) > 10)
            try await live.change(to: yaml(false))
            #expect(await refusals(channel) == 0)
            #expect(live.status.needsRestart == [])
        }
    }

    @Test func faultsOfOneServiceConcernItsCallsOnly() async throws {
        try await withApp("clients: {other: {faults: {abort: {status: NOT_FOUND}}}}") { live, channel in
            #expect(try await channel.text() == "a")
            try await live.change(to: "clients: {test: {faults: {abort: {status: ABORTED}}}}")
            #expect(await channel.failure()?.code == .aborted)
        }
    }

    @Test func limitsChangeForTheNextCall() async throws {
        let gate = Gate()
        try await withApp("", ["Hold": TestService.text("held", behind: gate)]) { live, channel in
            try await live.change(to: "server: {limit: {concurrency: fixed, fixed: {max: 1}}}")
            let first = Task { try await channel.text("Hold") }
            await gate.waitForArrivals()
            #expect(await channel.failure()?.serviceError.reason == "OVERLOADED")
            try await live.change(to: "server: {rate-limit: {per-second: 0.001, burst: 1}}")
            #expect(try await channel.text() == "a")
            #expect(await channel.failure()?.serviceError.reason == "RATE_LIMITED")
            try await live.change(to: "")
            #expect(try await channel.text() == "a")
            gate.open()
            #expect(try await first.value == "held")
            #expect(live.status.needsRestart == [])
        }
    }

    @Test func waitsForAnInstanceChangeForTheNextCall() async throws {
        let live = try await LiveApp("client: {settle-timeout: 1h, ready-timeout: 1h}", registry: MemoryRegistry())
        let channel = try live.app.channel("nobody")
        try await serving(live.app, log: live.log) {
            try await live.change(to: "client: {settle-timeout: 1ms, ready-timeout: 1h}")
            #expect(await channel.failure()?.code == .unavailable)
            try await live.change(to: "client: {settle-timeout: 1h, ready-timeout: 2ms}")
            #expect(await channel.failure()?.code == .unavailable)
        }
    }

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
        try await withApp { live, channel in
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

    // MARK: - Options of single services

    @Test func optionsOfAServiceLieOverThoseOfAllAndBothChangeForTheNextCall() async throws {
        let gate = Gate()
        let yaml = "client: {timeouts: {default: 40ms}}"
        try await withApp("", ["Hold": TestService.text("held", behind: gate)]) { live, channel in
            try await live.change(to: yaml)
            #expect(await channel.failure("Hold")?.code == .deadlineExceeded)
            // One method of the service: the default stays that of all services.
            let own = "\(yaml)\nclients: {test: {timeouts: {methods: {/test.Service/Hold: 1h}}}}"
            try await live.change(to: own)
            gate.open()
            #expect(try await channel.text("Hold") == "held")
            try await live.change(to: "client: {timeouts: {default: 1h}}\nclients: {test: {timeouts: {default: 1ns}}}")
            #expect(live.status.refusal?.contains("4:38: clients.test.timeouts.default: expected 1ms") == true)
            try await live.change(to: "client: {balancer: random}\nclients: {test: {balancer: round_robin}}")
            #expect(try await channel.text("Hold") == "held")
            #expect(live.status.refusal == nil && live.status.needsRestart == [])
        }
    }

    @Test func eachServiceHasItsBalancerAndItsRetries() async throws {
        let yaml = { (balancer: String) in
            "client: {balancer: random, retry: {attempts: 5}}\n"
                + "clients: {b: {balancer: \(balancer), retry: {burst: 3}}}"
        }
        let live = try await LiveApp(yaml("round_robin"), registry: MemoryRegistry())
        let channels = try ["a", "b"].map { try live.app.channel($0) }
        #expect(channels.map(\.core.options.balancer) == ["random", "round_robin"])
        #expect(channels.map(\.core.options.retry.attempts) == [5, 5])
        #expect(channels.map(\.core.options.retry.burst) == [1000, 3])
        try await serving(live.app, log: live.log) {
            try await live.change(to: yaml("least_request"))
            #expect(channels.map(\.core.options.balancer) == ["random", "least_request"])
            try await live.change(to: "client: {balancer: p2c}")
            #expect(channels.map(\.core.options.balancer) == ["p2c", "p2c"])
            #expect(channels.map(\.core.options.retry.burst) == [1000, 1000])
        }
    }

    @Test(arguments: [
        ("{test: {balanser: p2c}}", "3:18: clients.test.balanser: unknown key; did you mean"),
        ("{other: {retry: {attempts: 0}}}", "3:37: clients.other.retry.attempts: expected 1 to 100"),
        ("{other: {balancers: {ring: {}}}}", "3:37: clients.other.balancers.ring: no balancer"),
        ("{user.v1: {timeouts: {default: 0s}}}", "3:41: clients.user.v1.timeouts.default: expected 1ms"),
        ("{test: p2c}", "3:17: clients.test: expected a mapping"),
        ("{'a b': {}}", "3:18: clients.a b: service name \"a b\" is not valid"),
    ])
    func badOptionOfAServiceIsRefusedWithItsPlace(_ options: String, _ error: String) async throws {
        try await withApp { live, channel in
            try await live.change(to: "clients: \(options)")
            #expect(live.status.refusal?.hasPrefix("\(live.file):\(error)") == true, "\(live.status)")
            #expect(try await channel.text() == "a")
        }
        let live = try await LiveApp("clients: \(options)", registry: MemoryRegistry())
        #expect(throws: ConfigurationError.self) { try live.app.channel("test") }
    }

    @Test func optionOfConnectionsNeedsARestartOnlyForAServiceThatIsCalled() async throws {
        try await withApp { live, _ in
            try await live.change(to: "clients: {test: {max-queued-calls: 7}, other: {max-queued-calls: 7}}")
            try await eventually { live.status.needsRestart == ["clients.test.max-queued-calls"] }
        }
    }

    // MARK: - Options of connections

    @Test func guideListsTheOptionsThatChange() async throws {
        let page = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/options.md")
        let text = try String(contentsOf: page.standardizedFileURL, encoding: .utf8)
        let paths = text.split(separator: "\n").filter { $0.hasPrefix("- `") }.map { line in
            String(line.dropFirst(3).prefix { $0 != "`" })
        }
        try await withApp { live, _ in #expect(live.app.configuration.followedPaths == paths) }
    }

    @Test func optionsOfConnectionsNeedARestart() async throws {
        try await withApp { live, _ in
            try await live.change(
                to: """
                    client:
                      tls: {server-name: test}
                      connect-timeout: 7s
                      backoff: {max: 7s}
                      max-connections-per-node: 7
                      max-connection-idle: 7s
                      max-queued-calls: 7
                      keepalive: {timeout: 7s}
                      compression: {algorithm: gzip}
                      limits: {max-message: 7MiB}
                      retry: {attempts: 7}
                    server:
                      grpc: {max-connections: 7}
                    """)
            let paths = [
                "client.backoff.max", "client.compression.algorithm", "client.connect-timeout",
                "client.keepalive.timeout", "client.limits.max-message", "client.max-connection-idle",
                "client.max-connections-per-node", "client.max-queued-calls", "client.tls.server-name",
                "server.grpc.max-connections",
            ]
            try await eventually { live.status.needsRestart.sorted() == paths }
        }
    }
}
