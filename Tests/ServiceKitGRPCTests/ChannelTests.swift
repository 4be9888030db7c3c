import GRPCCore
import GRPCNghttp2Transport
import ServiceKit
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKitGRPC

/// The instances that calls reach, and the calls' fate without an instance.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct ChannelTests {
    private func options(
        balancer: String = "p2c",
        ready: Duration = .seconds(30),
        settle: Duration = .seconds(30)
    ) -> ChannelOptions {
        var options = ChannelOptions()
        options.balancer = balancer
        options.readyTimeout = ready
        options.settleTimeout = settle
        return options
    }

    private func waiting(_ timeout: Duration? = nil) -> CallOptions {
        var options = CallOptions.defaults
        options.waitForReady = true
        options.timeout = timeout
        return options
    }

    private static func failingSince(_ connectivity: Connectivity) -> ContinuousClock.Instant? {
        if case .transientFailure(_, let since) = connectivity.state { since } else { nil }
    }

    // MARK: - Names

    /// Lookups of names are independent: the first call goes to the only reachable instance.
    @Test func hangingNameLookupsDelayNoCall() async throws {
        let gate = ThreadGate()
        defer { gate.open() }
        let resolver = NameResolver { name throws(NameLookupError) in
            if name.hasPrefix("slow") { gate.pass() }
            return try SystemResolver.addresses(of: "localhost")
        }
        try await withTestBed { bed in
            let port = try await bed.server("good", isRegistered: false).endpoint.port
            let discoverer = ScriptedDiscoverer()
            let hosts = ["slow-1.test", "slow-2.test", "good.test", "slow-3.test", "slow-4.test"]
            discoverer.say(
                hosts.map { host in
                    ServiceInstance(
                        id: host, name: "test", endpoints: [Endpoint(scheme: "grpc", host: host, port: port)])
                }
            )
            let client = try bed.client(options(), discoverer: discoverer, resolver: resolver)
            for _ in 0..<20 { #expect(try await client.text() == "good") }
        }
    }

    // MARK: - Instances

    @Test func roundRobinReachesEveryInstanceEvenly() async throws {
        try await withTestBed { bed in
            for id in ["a", "b", "c"] { try await bed.server(id) }
            let client = try bed.client(options(balancer: "round_robin"))
            // All three must be connected first.
            var seen: Set<String> = []
            while seen.count < 3 { seen.insert(try await client.text()) }
            var counts: [String: Int] = [:]
            for _ in 0..<30 { counts[try await client.text(), default: 0] += 1 }
            #expect(counts == ["a": 10, "b": 10, "c": 10])
        }
    }

    @Test func powerOfTwoChoicesReachesEveryInstance() async throws {
        try await withTestBed { bed in
            for id in ["a", "b", "c"] { try await bed.server(id) }
            let client = try bed.client()
            var seen: Set<String> = []
            while seen.count < 3 { seen.insert(try await client.text()) }
        }
    }

    @Test func callsBeforeTheFirstConnectionAreServed() async throws {
        try await withTestBed { bed in
            try await bed.server("a")
            let channel = try ServiceChannel(to: "test", discoverer: bed.registry)
            let call = Task {
                try await channel.withStream(descriptor: .test("Name"), options: .defaults) { stream, _ in
                    try await stream.outbound.write(.metadata([:]))
                    try await stream.outbound.write(.message([]))
                    await stream.outbound.finish()
                    for try await case .message(let message) in stream.inbound {
                        return String(decoding: message, as: UTF8.self)
                    }
                    return ""
                }
            }
            let connecting = Task { try await channel.connect() }
            #expect(try await call.value == "a")
            channel.beginGracefulShutdown()
            try await connecting.value
        }
    }

    @Test func newInstanceIsCalled() async throws {
        try await withTestBed { bed in
            try await bed.server("a")
            let client = try bed.client(options(balancer: "round_robin"))
            #expect(try await client.text() == "a")
            try await bed.server("b")
            while try await client.text() != "b" {}
        }
    }

    @Test func removedInstanceKeepsItsCallsAndGetsNoMore() async throws {
        try await withTestBed { bed in
            let gate = Gate()
            let leaving = try await bed.server("a", ["Slow": TestService.text("a", behind: gate)])
            let balancer = OrderedBalancer()
            let client = try bed.client(balancer: balancer)
            let slow = Task { try await client.text("Slow") }
            await gate.waitForArrivals()
            try await bed.server("b")
            await balancer.waitForNodes("a", "b")
            try await leaving.deregister()
            await balancer.waitForNodes("b")
            #expect(try await client.text() == "b")
            gate.open()
            #expect(try await slow.value == "a")
            _ = await balancer.inFlight.first { $0 == 0 }
        }
    }

    @Test func aChangedInstanceKeepsItsConnectionAndItsStatistics() async throws {
        try await withTestBed { bed in
            let server = try await bed.server("a", ["Peer": { _, context in .text(context.remotePeer) }])
            let balancer = OrderedBalancer()
            let client = try bed.client(balancer: balancer)
            let peer = try await client.text("Peer")
            let before = try #require(balancer.current.value.first)
            try await server.update { $0.metadata["weight"] = "7" }
            let nodes = await balancer.current.first { $0.first?.instance.weight == 7 }
            #expect(nodes?.first?.statistics === before.statistics)
            #expect(try await client.text("Peer") == peer)
        }
    }

    @Test func offlineInstanceGetsNoCallsUntilItIsOnline() async throws {
        try await withTestBed { bed in
            let server = try await bed.server("a")
            try await bed.server("b")
            let balancer = OrderedBalancer()
            let client = try bed.client(balancer: balancer)
            await balancer.waitForNodes("a", "b")
            try await server.update { $0.metadata["offline"] = "true" }
            await balancer.waitForNodes("b")
            #expect(try await client.text() == "b")
            try await server.update { $0.metadata["offline"] = nil }
            await balancer.waitForNodes("a", "b")
        }
    }

    @Test func movedInstanceIsCalledAtItsNewAddress() async throws {
        try await withTestBed { bed in
            let old = try await bed.server("old", isRegistered: false).endpoint
            let new = try await bed.server("new", isRegistered: false).endpoint
            let discoverer = ScriptedDiscoverer()
            discoverer.say([ServiceInstance(id: "a", name: "test", endpoints: [old])])
            let client = try bed.client(discoverer: discoverer)
            #expect(try await client.text() == "old")
            discoverer.say([ServiceInstance(id: "a", name: "test", endpoints: [new])])
            while try await client.text() != "new" {}
        }
    }

    /// Removals that were ignored during an outage of the registry count after it.
    @Test func instanceThatLeftDuringAnOutageIsRemovedAfterIt() async throws {
        try await withTestBed { bed in
            let a = try await bed.server("a", isRegistered: false).endpoint
            let b = try await bed.server("b", isRegistered: false).endpoint
            let both = [
                ServiceInstance(id: "a", name: "test", endpoints: [a]),
                ServiceInstance(id: "b", name: "test", endpoints: [b]),
            ]
            let discoverer = ScriptedDiscoverer()
            discoverer.say(both)
            let balancer = OrderedBalancer()
            let client = try bed.client(balancer: balancer, discoverer: discoverer)
            await balancer.waitForNodes("a", "b")
            discoverer.say([both[1]], .stale(since: .now, cause: "away"))
            _ = await bed.log.first { $0.message.contains("the registry is away") }
            #expect(Set(balancer.current.value.map(\.instance.id)) == ["a", "b"])
            discoverer.say([both[1]])
            await balancer.waitForNodes("b")
            #expect(try await client.text() == "b")
        }
    }

    @Test func returningInstanceIsANewNode() async throws {
        try await withTestBed { bed in
            let server = try await bed.server("a", isRegistered: false)
            let endpoint = try await server.endpoint
            let discoverer = ScriptedDiscoverer()
            discoverer.say(endpoint)
            let client = try bed.client(discoverer: discoverer)
            for _ in 0..<50 {
                #expect(try await client.text(options: waiting()) == "a")
                // The end of the old connection is reported after the new one is ready.
                discoverer.say()
                discoverer.say(endpoint)
            }
            #expect(try await client.text(options: waiting()) == "a")
        }
    }

    @Test func deadInstanceBesideALiveOneFailsNoCall() async throws {
        try await withTestBed { bed in
            try await bed.deadInstance("dead")
            try await bed.server("live")
            let client = try bed.client(options(balancer: "round_robin"))
            for _ in 0..<20 { #expect(try await client.text() == "live") }
        }
    }

    // MARK: - No instance

    @Test func emptyServiceFailsACall() async throws {
        try await withTestBed { bed in
            let failure = try await bed.client(options(settle: .milliseconds(1))).failure()
            #expect(failure?.code == .unavailable)
            #expect(failure?.message == "no instance of \"test\" with a grpc endpoint is registered")
        }
    }

    @Test func instanceRegisteredDuringTheWaitIsCalled() async throws {
        try await withTestBed { bed in
            let client = try bed.client(options(settle: .seconds(30)))
            let call = Task { try await client.text() }
            _ = await client.channel.pool.connectivity.first { if case .empty = $0.state { true } else { false } }
            try await bed.server("a")
            #expect(try await call.value == "a")
        }
    }

    @Test func aCallThatWaitsForReadyIsServedByTheFirstInstance() async throws {
        try await withTestBed { bed in
            let client = try bed.client(options(ready: .zero, settle: .zero))
            let call = Task { try await client.text(options: waiting()) }
            // The call knows that there is no instance.
            _ = await client.channel.pool.connectivity.first { if case .empty = $0.state { true } else { false } }
            try await bed.server("a")
            #expect(try await call.value == "a")
        }
    }

    @Test func unansweringRegistryIsNamedInTheError() async throws {
        try await withTestBed { bed in
            let discoverer = ScriptedDiscoverer()
            let client = try bed.client(options(ready: .milliseconds(20)), discoverer: discoverer)
            let silent = await client.failure()
            #expect(silent?.code == .unavailable)
            #expect(silent?.message == "no instance of \"test\" is known: the registry has not answered")
            discoverer.say(state: .stale(since: .now, cause: "registry: connection refused"))
            _ = await client.channel.pool.connectivity.first { $0.revision > 0 }
            let refused = await client.failure()
            #expect(refused?.message == "no instance of \"test\" is known: registry: connection refused")
        }
    }

    @Test func lastKnownInstancesAreCalledDuringAnOutage() async throws {
        try await withTestBed { bed in
            let endpoint = try await bed.server("a", isRegistered: false).endpoint
            let discoverer = ScriptedDiscoverer()
            discoverer.say(endpoint)
            let client = try bed.client(discoverer: discoverer)
            #expect(try await client.text() == "a")
            discoverer.say(endpoint, state: .stale(since: .now, cause: "away"))
            _ = await bed.log.first { $0.message.contains("the registry is away") }
            #expect(try await client.text() == "a")
            // A watch that begins during the outage knows no instance.
            discoverer.say(state: .stale(since: .now, cause: "away"))
            _ = await bed.log.first(2) { $0.message.contains("the registry is away") }
            #expect(try await client.text() == "a")
        }
    }

    @Test func deadInstancesFailCallsAtOnceAfterTheFirstWait() async throws {
        try await withTestBed { bed in
            let endpoint = try await bed.deadInstance("a")
            let settle = Duration.milliseconds(300)
            let start = ContinuousClock.now
            let client = try bed.client(options(settle: settle))
            let first = await client.failure()
            #expect(ContinuousClock.now - start >= settle)
            #expect(first?.code == .unavailable)
            let message = try #require(first?.message)
            #expect(message.hasPrefix("no instance of \"test\" can be reached: cannot connect to"))
            #expect(message.contains("\(endpoint.port)") && message.contains("Connection refused"))
            // Further attempts to connect do not restart the wait.
            let seen = client.channel.pool.connectivity.value
            let later = await client.channel.pool.connectivity.first { $0.revision > seen.revision + 4 }
            let (before, after) = (Self.failingSince(seen), Self.failingSince(try #require(later)))
            #expect(before != nil)
            #expect(after == before)
            #expect(await client.failure()?.code == .unavailable)
        }
    }

    @Test func newInstanceEndsTheWaitForDeadOnes() async throws {
        try await withTestBed { bed in
            try await bed.deadInstance("dead")
            let client = try bed.client(options())
            _ = await client.channel.pool.connectivity.first { Self.failingSince($0) != nil }
            let call = Task { try await client.text() }
            try await bed.server("next")
            #expect(try await call.value == "next")
        }
    }

    @Test func waitingCallEndsAtItsDeadline() async throws {
        try await withTestBed { bed in
            let client = try bed.client(discoverer: ScriptedDiscoverer())
            let failure = await client.failure(options: waiting(.milliseconds(20)))
            #expect(failure?.code == .deadlineExceeded)
        }
    }

    @Test func waitingCallCanBeCancelled() async throws {
        try await withTestBed { bed in
            let client = try bed.client(discoverer: ScriptedDiscoverer())
            let call = Task { await client.failure(options: waiting()) }
            call.cancel()
            #expect(await call.value?.code == .cancelled)
        }
    }

    @Test func failingRequestEndsAWaitingCall() async throws {
        struct Broken: Error {}
        try await withTestBed { bed in
            let client = try bed.client(discoverer: ScriptedDiscoverer())
            let code = try await client.stream(options: waiting()) { _ in
                throw Broken()
            } _: { response in
                if case .failure(let error) = response.accepted { error.cause is Broken } else { false }
            }
            #expect(code)
        }
    }

    @Test func balancerWithoutAPickFailsTheCall() async throws {
        struct Picky: Balancer {
            func update(_ change: NodeChange) {}
            func pick(for request: PickRequest) -> Node? { nil }
        }
        try await withTestBed { bed in
            try await bed.server("a")
            let client = try bed.client(options(ready: .milliseconds(50)), balancer: Picky())
            _ = await client.channel.pool.connectivity.first { if case .ready = $0.state { true } else { false } }
            let failure = await client.failure()
            #expect(failure?.message == "no connection to an instance of \"test\" was ready in time")
        }
    }

    // MARK: - The end

    @Test func gracefulShutdownLetsCallsEndAndTakesNoMore() async throws {
        try await withTestBed { bed in
            let gate = Gate()
            try await bed.server("a", ["Slow": TestService.text("a", behind: gate)])
            let client = try bed.client()
            let slow = Task { try await client.text("Slow") }
            await gate.waitForArrivals()
            client.channel.beginGracefulShutdown()
            _ = await client.channel.pool.connectivity.first { if case .shutdown = $0.state { true } else { false } }
            let failure = await client.failure()
            #expect(failure?.code == .failedPrecondition)
            #expect(failure?.message == "the channel to \"test\" is shut down")
            gate.open()
            #expect(try await slow.value == "a")
            try await client.end()
        }
    }

    @Test func waitingCallEndsWhenTheChannelShutsDown() async throws {
        try await withTestBed { bed in
            let client = try bed.client(discoverer: ScriptedDiscoverer())
            let call = Task { await client.failure(options: waiting()) }
            client.channel.beginGracefulShutdown()
            #expect(await call.value?.code == .failedPrecondition)
        }
    }

    @Test func endedChannelLeavesNoObjects() async throws {
        try await withTestBed { bed in
            try await bed.server("a")
            weak var channel: ServiceChannel?
            weak var pool: NodePool<ClientConnection>?
            do {
                let client = TestClient(try ServiceChannel(to: "test", discoverer: bed.registry))
                channel = client.channel
                pool = client.channel.pool
                #expect(try await client.text() == "a")
                await client.shutDown()
            }
            // Ended tasks may not have released their objects yet.
            while channel != nil || pool != nil {
                try Task.checkCancellation()
                await Task.yield()
            }
        }
    }
}
