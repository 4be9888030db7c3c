import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import EtcdClient

extension SharedServerTests {
    struct LeaseTests {
        @Test(arguments: EtcdVersion.all)
        func aLeaseIsGrantedAndRevoked(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                let lease = try await client.grantLease(ttl: .seconds(60))
                #expect(lease.ttl == .seconds(60))
                try await client.put(prefix, "", lease: lease.id)
                #expect(try await client.get(prefix)?.lease == lease.id)
                #expect(try await client.leaseIDs().contains(lease.id))
                try await client.revokeLease(lease.id)
                #expect(try await client.get(prefix) == nil)
                #expect(try await !client.leaseIDs().contains(lease.id))
                try await client.revokeLease(lease.id)
            }
        }

        @Test(arguments: EtcdVersion.all)
        func theNumberMayBeGiven(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, _ in
                let id = LeaseID.random(in: 1...LeaseID.max)
                #expect(
                    try await client.grantLease(ttl: .milliseconds(59_001), id: id)
                        == Lease(id: id, ttl: .seconds(60)))
                let failure = await expectFailure { _ = try await client.grantLease(ttl: .seconds(60), id: id) }
                #expect(failure?.code == .leaseExists)
                try await client.revokeLease(id)
            }
        }

        @Test(arguments: EtcdVersion.all)
        func leaseDetailsAreReported(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                let lease = try await client.grantLease(ttl: .seconds(600))
                for name in ["a", "b"] { try await client.put(prefix + name, "", lease: lease.id) }
                let details = try await client.leaseDetails(lease.id)
                #expect(details.id == lease.id)
                #expect(details.grantedTTL == .seconds(600))
                #expect((.seconds(500)...(.seconds(600))).contains(details.remainingTTL))
                #expect(details.keys.isEmpty, "they were not asked for")
                let keys = try await client.leaseDetails(lease.id, withKeys: true).keys
                #expect(Set(keys) == [(prefix + "a").etcdBytes, (prefix + "b").etcdBytes])
                try await client.revokeLease(lease.id)
                let failure = await expectFailure { _ = try await client.leaseDetails(lease.id) }
                #expect(failure?.code == .leaseNotFound)
                #expect(failure?.message.contains(String(lease.id, radix: 16)) == true)
            }
        }

        /// etcd counts whole seconds: in the last one it reports that none is left.
        @Test(arguments: EtcdVersion.all)
        func aLeaseInItsLastSecondIsStillThere(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, _ in
                // On a busy machine the last second may be over too soon.
                for _ in 0..<5 where try await Self.leaseIsFoundInItsLastSecond(client) { return }
                Issue.record("no lease was seen in its last second")
            }
        }

        private static func leaseIsFoundInItsLastSecond(_ client: EtcdClient) async throws -> Bool {
            let lease = try await client.grantLease(ttl: .seconds(2))
            do throws(EtcdError) {
                while try await client.leaseDetails(lease.id).remainingTTL >= .seconds(1) {}
                return true
            } catch {
                #expect(error.code == .leaseNotFound)
                return false
            }
        }

        @Test(arguments: EtcdVersion.all)
        func aLeaseThatNobodyRenewsEnds(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                var watch = client.watch(.key(prefix)).makeAsyncIterator()
                try await watch.connected()
                let lease = try await client.grantLease(ttl: .seconds(4))
                try await client.put(prefix, "", lease: lease.id)
                #expect(try await watch.events(2).map(\.kind) == [.put, .delete])
                await expectFailure(.leaseNotFound) { _ = try await client.leaseDetails(lease.id) }
            }
        }

        @Test(arguments: EtcdVersion.all)
        func renewedLeaseLives(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                let start = ContinuousClock.now
                let lease = try await client.grantLease(ttl: .seconds(10))
                try await client.put(prefix, "", lease: lease.id)
                var renewals = 0
                for try await ttl in client.keepAlive(lease) {
                    #expect(ttl == .seconds(10))
                    renewals += 1
                    if start.duration(to: .now) > .seconds(12) { break }
                }
                #expect((2...10).contains(renewals), "every third of its time")
                #expect(try await client.get(prefix)?.version == 1)
                try await client.waitForLeases(0)
                // Nothing renews the lease any more.
                try await eventually { try await client.get(prefix) == nil }
            }
        }

        @Test(arguments: EtcdVersion.all)
        func cancelledReaderEndsTheRenewals(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, _ in
                let lease = try await client.grantLease(ttl: .seconds(10))
                let renewals = client.keepAlive(lease)
                let reader = Task { for try await _ in renewals {} }
                try await client.waitForLeases(1)
                reader.cancel()
                try await reader.value
                try await client.waitForLeases(0)
            }
        }

        @Test(arguments: EtcdVersion.all)
        func theRenewalsOfALostLeaseEnd(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, _ in
                let lease = try await client.grantLease(ttl: .seconds(10))
                let renewals = client.keepAlive(lease)
                try await client.revokeLease(lease.id)
                let failure = await expectFailure { for try await _ in renewals {} }
                #expect(failure?.code == .leaseNotFound)
                #expect(failure?.message.contains(String(lease.id, radix: 16)) == true)
                #expect(client.keeper.count == 0)
            }
        }

        @Test(arguments: EtcdVersion.all)
        func latestKeepAliveReplacesTheEarlier(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, _ in
                let lease = try await client.grantLease(ttl: .seconds(10))
                let first = client.keepAlive(lease)
                var second = client.keepAlive(lease).makeAsyncIterator()
                for try await _ in first {}
                #expect(client.keeper.count == 1)
                #expect(try await second.next() == .seconds(10))
            }
        }

        @Test(arguments: EtcdVersion.all)
        func allLeasesAreRenewedOnOneStream(version: EtcdVersion) async throws {
            try await version.withSharedObservedClient { client, wire, _ in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<200 {
                        group.addTask {
                            let lease = try await client.grantLease(ttl: .seconds(15))
                            var renewals = client.keepAlive(lease).makeAsyncIterator()
                            for _ in 0..<2 { #expect(try await renewals.next() == .seconds(15)) }
                            _ = try await client.leaseDetails(lease.id)
                            try await client.revokeLease(lease.id)
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(wire.count("LeaseKeepAlive") == 1)
            }
        }

        /// The next lease gets a stream at once, although there was none a moment ago.
        @Test(arguments: EtcdVersion.all)
        func leasesCanFollowEachOther(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, _ in
                for _ in 0..<4 {
                    let lease = try await client.grantLease(ttl: .seconds(6))
                    var renewals = client.keepAlive(lease).makeAsyncIterator()
                    #expect(try await renewals.next() == .seconds(6))
                }
            }
        }
    }
}
