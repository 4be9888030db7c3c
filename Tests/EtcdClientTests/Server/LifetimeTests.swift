import GRPCNghttp2Transport
import ServiceKit
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import EtcdClient

/// The start and the end of clients.
@Suite(.serialized, .enabled(if: EtcdServer.isAvailable(), "etcd is not installed"), .timeLimit(.minutes(3)))
struct LifetimeTests {
    /// Does every kind of work at once, and records the end of each.
    private func everything(_ client: EtcdClient, _ ends: Watched<[String: EtcdError.Code]>) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            func add(_ name: String, _ body: @escaping @Sendable () async throws -> Void) {
                group.addTask {
                    let failure = await expectFailure { try await body() }
                    ends.update { $0[name] = failure?.code }
                }
            }
            add("watch") { for try await _ in client.watch(.key("k")) {} }
            add("renewals") {
                let lease = try await client.grantLease(ttl: .seconds(60))
                for try await _ in client.keepAlive(lease) {}
            }
            add("session") { try await client.withSession { _ in try await Gate().pass() } }
            add("lock") {
                // Two sessions. One of them waits without end.
                try await client.withSession { one in
                    try await one.withLock("lock") { _ in
                        try await client.withSession { two in try await two.withLock("lock") { _ in } }
                    }
                }
            }
            group.addTask {
                await client.listAndWatch(.key("k")) { $0 }.run { _ in }
                ends.update { $0["follow"] = .closed }
            }
            group.addTask {
                await client.observeLeader(of: "election") { _ in }
                ends.update { $0["observer"] = .closed }
            }
            try await group.waitForAll()
        }
    }

    /// Runs a client with every kind of work, ends it, and checks the ends.
    private func end(_ server: EtcdServer, by body: (EtcdClient, Task<Void, Never>) async throws -> Void) async throws {
        let client = try EtcdClient(server.config(), logger: .silent)
        let running = Task { await client.run() }
        let ends = Watched<[String: EtcdError.Code]>([:])
        async let all: Void = everything(client, ends)
        // The watch, two list-and-watches, and the session that waits for the lock; and the leases of four sessions.
        try await client.waitForWatches(4)
        try await client.waitForLeases(4)
        try await body(client, running)
        await running.value
        try await all
        let names = ["watch", "renewals", "session", "lock", "follow", "observer"]
        #expect(ends.value == Dictionary(uniqueKeysWithValues: names.map { ($0, EtcdError.Code.closed) }))
        #expect(client.hub.count == 0)
        #expect(client.keeper.count == 0)

        // No call begins any more.
        await expectFailure(.closed) { _ = try await client.get("k") }
        await expectFailure(.closed) { for try await _ in client.watch(.key("k")) {} }
        let lease = Lease(id: 1, ttl: .seconds(60))
        await expectFailure(.closed) { for try await _ in client.keepAlive(lease) {} }
        await client.listAndWatch(.key("k")) { $0 }.run { _ in }
    }

    @Test(arguments: EtcdVersion.all)
    func shutdownEndsEverything(version: EtcdVersion) async throws {
        try await version.withServer { server in
            try await end(server) { client, _ in client.shutdown() }
        }
    }

    @Test(arguments: EtcdVersion.all)
    func cancellationEndsEverything(version: EtcdVersion) async throws {
        try await version.withServer { server in
            try await end(server) { _, running in running.cancel() }
        }
    }

    /// A server that does not answer.
    @Test(arguments: EtcdVersion.all)
    func shutdownEndsCallsThatAreUnderWay(version: EtcdVersion) async throws {
        try await version.withServer { server in
            let client = try EtcdClient(server.config { $0.requestTimeout = .seconds(30) }, logger: .silent)
            try await withRunning(client) {
                try await client.put("k", "")
                try server.suspend()
                async let write = expectFailure(.closed) { try await client.put("k", "") }
                async let read = expectFailure(.closed) { _ = try await client.get("k") }
                for _ in 0..<100 { await Task.yield() }
                let start = ContinuousClock.now
                client.shutdown()
                _ = await (write, read)
                #expect(start.duration(to: .now) < .seconds(20))
                try server.resume()
            }
        }
    }

    @Test(arguments: EtcdVersion.all)
    func callBeforeRunWaits(version: EtcdVersion) async throws {
        try await version.withServer { server in
            let client = try EtcdClient(server.config(), logger: .silent)
            let put = Task { try await client.put("k", "1") }
            var watch = client.watch(.key("k")).makeAsyncIterator()
            for _ in 0..<100 { await Task.yield() }
            try await withRunning(client) {
                _ = try await put.value
                try await watch.connected()
                #expect(try await client.get("k")?.valueText == "1")
            }
        }
    }

    @Test func callWithoutRunFailsInTime() async throws {
        var config = try EtcdConfig(endpoints: ["http://127.0.0.1:1"])
        config.requestTimeout = .milliseconds(300)
        let client = try EtcdClient(config, logger: .silent)
        await expectFailure(.timeout) { try await client.put("k", "") }
    }

    @Test func aClientThatWasShutDownDoesNotRun() async throws {
        let client = try EtcdClient(EtcdConfig(endpoints: ["http://127.0.0.1:1"]), logger: .silent)
        var watch = client.watch(.key("k")).makeAsyncIterator()
        client.shutdown()
        await expectFailure(.closed) { try await client.put("k", "") }
        await client.run()
        #expect(try await watch.end().code == .closed)
    }

    @Test func callToAClosedPortFailsInTime() async throws {
        let endpoints = ["http://127.0.0.1:1", "http://[::1]:1"]
        for endpoints in [[endpoints[0]], endpoints] {
            var config = try EtcdConfig(endpoints: endpoints)
            config.requestTimeout = .seconds(4)
            try await EtcdClient.withClient(config, logger: .silent) { client in
                for operation in [
                    { _ = try await client.get("k") },
                    { try await client.put("k", "") },
                    { _ = try await client.grantLease(ttl: .seconds(1)) },
                    { _ = try await client.withSession { _ in } },
                    { _ = try await client.status(of: client.endpoints[0]) },
                ] as [() async throws -> Void] {
                    let start = ContinuousClock.now
                    let failure = await expectFailure { try await operation() }
                    #expect(failure?.code == .unavailable)
                    #expect(endpoints.contains { failure?.message.contains($0) == true })
                    #expect(start.duration(to: .now) < .seconds(20))
                }
                var watch = client.watch(.key("k")).makeAsyncIterator()
                let interruption = try await watch.interrupted()
                #expect(interruption.code == .unavailable)
            }
        }
    }

    @Test func cancelledListAndWatchGetsNoUpdate() async throws {
        var config = try EtcdConfig(endpoints: ["http://127.0.0.1:1"])
        config.requestTimeout = .seconds(60)
        try await EtcdClient.withClient(config, logger: .silent) { client in
            let told = Watched(0)
            let follower = Task {
                await client.listAndWatch(.key("k")) { $0 }.run { _ in told.update { $0 += 1 } }
            }
            for _ in 0..<100 { await Task.yield() }
            follower.cancel()
            await follower.value
            #expect(told.value == 0)
        }
    }

    @Test func aNameThatNobodyHasIsNamed() async throws {
        var config = try EtcdConfig(endpoints: ["http://etcd.invalid:2379"])
        config.requestTimeout = .milliseconds(500)
        try await EtcdClient.withClient(config, logger: .silent) { client in
            let failure = await expectFailure { _ = try await client.get("k") }
            #expect(failure?.code.isTransient == true)
            #expect(failure?.message.contains("http://etcd.invalid:2379") == true)
        }
    }

    /// The client would use the first endpoint, but the look-up of its name never ends.
    @Test(arguments: EtcdVersion.all)
    func anEndpointWhoseNameHangsHoldsNobodyBack(version: EtcdVersion) async throws {
        let gate = ThreadGate()
        defer { gate.open() }
        try await version.withServer { server in
            let config = try server.config {
                $0.endpoints.insert(EtcdEndpoint(host: "slow.test"), at: 0)
            }
            var transport = config.transportConfig()
            transport.resolver = NameResolver { name throws(NameLookupError) in
                gate.pass()
                throw .failed(name: name, reason: "the test is over")
            }
            let client = try EtcdClient(config, logger: .silent, first: 0) { [transport] endpoint in
                GRPCCaller(
                    transport: Nghttp2ClientTransport(
                        target: endpoint.address, config: transport, logger: .silent))
            }
            try await withRunning(client) {
                var watch = client.watch(.key("k")).makeAsyncIterator()
                try await watch.connected()
                // A write may not be repeated, so it has to reach the right member at once.
                try await client.put("k", "1")
                #expect(try await client.get("k")?.valueText == "1")
                #expect(try await watch.events().map(\.summary) == ["put k=1"])
            }
        }
    }
}
