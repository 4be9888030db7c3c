import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import EtcdClient

/// A client that reaches etcd through `etcd grpc-proxy`.
@Suite(.serialized, .enabled(if: EtcdServer.isAvailable(), "etcd is not installed"), .timeLimit(.minutes(3)))
struct GRPCProxyTests {
    /// Runs a body with a client of a proxy.
    private func with(
        _ version: EtcdVersion,
        _ credentials: EtcdConfig.Credentials? = nil,
        _ body: @Sendable (EtcdServer, EtcdProxy, EtcdClient, Wire) async throws -> Void
    ) async throws {
        try await version.withServer { server in
            let proxy = try await server.startProxy()
            let endpoint = try EtcdEndpoint(proxy.endpoint)
            try await server.withObservedClient {
                $0.endpoints = [endpoint]
                $0.credentials = credentials
            } _: { client, wire in
                try await body(server, proxy, client, wire)
            }
        }
    }

    @Test(arguments: EtcdVersion.all)
    func eventsReachOnlyTheirOwnWatch(version: EtcdVersion) async throws {
        try await with(version) { server, _, client, _ in
            var first = client.watch(.prefix("a/")).makeAsyncIterator()
            var second = client.watch(.prefix("b/")).makeAsyncIterator()
            // The proxy merges watches of the same keys, and answers them in any order.
            var others = (0..<4).map { _ in client.watch(.prefix("b/")).makeAsyncIterator() }
            var puts = client.watch(.prefix("b/"), .with { $0.includesDeletes = false }).makeAsyncIterator()
            var deletes = client.watch(.prefix("b/"), .with { $0.includesPuts = false }).makeAsyncIterator()
            var previous = client.watch(.prefix("b/"), .with { $0.returnsPrevious = true }).makeAsyncIterator()
            for index in others.indices { try await others[index].connected() }
            for iterator in [first, second, puts, deletes, previous] {
                var iterator = iterator
                try await iterator.connected()
            }
            try await server.etcdctl("put", "b/1", "one")
            try await server.etcdctl("put", "a/1", "two")
            try await server.etcdctl("put", "b/1", "three")
            try await server.etcdctl("del", "b/1")
            try await server.etcdctl("put", "a/2", "four")
            #expect(try await first.events(2).map(\.summary) == ["put a/1=two", "put a/2=four"])
            let all = ["put b/1=one", "put b/1=three", "delete b/1"]
            #expect(try await second.events(3).map(\.summary) == all)
            for index in others.indices { #expect(try await others[index].events(3).map(\.summary) == all) }
            #expect(try await puts.events(2).map(\.summary) == Array(all.prefix(2)))
            #expect(try await deletes.events(1).map(\.summary) == ["delete b/1"])
            #expect(
                try await previous.events(3).map { $0.previous?.valueText } == [nil, "one", "three"])
        }
    }

    @Test(arguments: EtcdVersion.all)
    func aHundredWatchesGoOnWhenTheProxyIsRestarted(version: EtcdVersion) async throws {
        try await with(version) { server, proxy, client, wire in
            var iterators = (0..<100).map { client.watch(.key("k\($0)")).makeAsyncIterator() }
            for index in iterators.indices { try await iterators[index].connected() }
            #expect(wire.count("Watch") == 1, "all on one stream")
            for index in iterators.indices { try await client.put("k\(index)", "1") }
            for index in iterators.indices {
                #expect(try await iterators[index].events().map(\.summary) == ["put k\(index)=1"])
            }

            // Some watches are dropped, so that the numbers before and after differ. No event meanwhile is missed.
            iterators.removeFirst(30)
            try await client.waitForWatches(70)
            try await proxy.kill()
            for index in 30..<100 { try await server.etcdctl("put", "k\(index)", "2") }
            try await proxy.start()
            for index in 30..<100 { try await client.put("k\(index)", "3") }
            for index in 30..<100 {
                #expect(
                    try await iterators[index - 30].events(2).map(\.summary)
                        == ["put k\(index)=2", "put k\(index)=3"])
            }
        }
    }

    /// The proxy may create the second of two new watches before the first.
    @Test(arguments: EtcdVersion.all)
    func watchDroppedDuringCreationHarmsNoOther(version: EtcdVersion) async throws {
        try await with(version) { server, _, client, _ in
            for round in 0..<20 {
                var kept = client.watch(.prefix("kept/\(round)")).makeAsyncIterator()
                _ = client.watch(.prefix("dropped/\(round)")).makeAsyncIterator()
                var last = client.watch(.prefix("last/\(round)")).makeAsyncIterator()
                try await kept.connected()
                try await last.connected()
                try await client.put("dropped/\(round)", "")
                try await client.put("last/\(round)", "2")
                try await client.put("kept/\(round)", "1")
                #expect(try await kept.events().map(\.summary) == ["put kept/\(round)=1"])
                #expect(try await last.events().map(\.summary) == ["put last/\(round)=2"])
            }
            try await client.waitForWatches(0)
        }
    }

    @Test(arguments: EtcdVersion.all)
    func compactionIsTold(version: EtcdVersion) async throws {
        try await with(version) { _, _, client, _ in
            for value in 1...5 { try await client.put("k", "\(value)") }
            let revision = try await client.list(.key("k")).revision
            try await client.compact(revision)
            var watch = client.watch(.key("k"), .with { $0.from = 1 }).makeAsyncIterator()
            #expect(try await watch.end().code == .compacted)
        }
    }

    /// The proxy renews each lease at its own times, and answers then.
    @Test(arguments: EtcdVersion.all)
    func aLeaseIsKeptAliveOnOneStream(version: EtcdVersion) async throws {
        try await with(version) { server, proxy, client, wire in
            let lease = try await client.grantLease(ttl: .seconds(6))
            try await client.put("k", "", lease: lease.id)
            var renewals = client.keepAlive(lease).makeAsyncIterator()
            for _ in 0..<4 { #expect(try await renewals.next() == .seconds(6)) }
            #expect(wire.count("LeaseKeepAlive") == 1)
            try await proxy.kill()
            try await proxy.start()
            for _ in 0..<2 { #expect(try await renewals.next() == .seconds(6)) }
            #expect(try await client.get("k")?.lease == lease.id)

            try await server.etcdctl("lease", "revoke", String(lease.id, radix: 16))
            let failure = await expectFailure { while try await renewals.next() != nil {} }
            #expect(failure?.code == .leaseNotFound)
        }
    }

    @Test(arguments: EtcdVersion.all)
    func errorsAreKnown(version: EtcdVersion) async throws {
        try await with(version) { _, _, client, _ in
            let lease = try await client.grantLease(ttl: .seconds(60))
            await expectFailure(.leaseExists) { _ = try await client.grantLease(ttl: .seconds(60), id: lease.id) }
            await expectFailure(.leaseNotFound) { try await client.put("k", "", lease: lease.id ^ 1) }
            await expectFailure(.leaseNotFound) { _ = try await client.leaseDetails(lease.id ^ 1) }
            try await client.revokeLease(lease.id)
            try await client.revokeLease(lease.id)
            try await client.withSession { session in
                try await session.withLock("lock") { _ in _ = try await client.put("k", "1") }
            }
        }
    }

    /// The proxy refuses without a reason, and its refusals overtake its other answers.
    @Test(arguments: EtcdVersion.all)
    func deniedWatchHarmsNoOther(version: EtcdVersion) async throws {
        let ada = EtcdConfig.Credentials(username: "ada", password: "lovelace")
        try await with(version, ada) { server, _, client, _ in
            try await server.addUser("ada", password: "lovelace", prefix: "ada/")
            try await server.enableAuth()
            var good = client.watch(.prefix("ada/a/")).makeAsyncIterator()
            var bad = client.watch(.prefix("secret/")).makeAsyncIterator()
            var last = client.watch(.prefix("ada/b/")).makeAsyncIterator()
            let refused = try await bad.end()
            #expect(refused.code == .permissionDenied)
            #expect(refused.message.contains(#"the prefix "secret/""#))
            try await good.connected()
            try await last.connected()
            try await client.put("ada/a/1", "1")
            try await client.put("ada/b/1", "2")
            #expect(try await good.events().map(\.summary) == ["put ada/a/1=1"])
            #expect(try await last.events().map(\.summary) == ["put ada/b/1=2"])
            let failure = await expectFailure { _ = try await client.list(.prefix("secret/")) }
            #expect(failure?.code == .permissionDenied)
        }
    }
}
