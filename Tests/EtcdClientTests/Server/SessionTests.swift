import ServiceKit
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import EtcdClient

extension SharedServerTests {
    struct SessionTests {
        @Test(arguments: EtcdVersion.all)
        func aSessionEndsWithItsBody(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                let lease = try await client.withSession(ttl: .seconds(60)) { session in
                    try await client.put(prefix, "", lease: session.lease.id)
                    #expect(session.lease.ttl == .seconds(60))
                    return session.lease.id
                }
                #expect(try await client.get(prefix) == nil)
                await expectFailure(.leaseNotFound) { _ = try await client.leaseDetails(lease) }
                #expect(client.keeper.count == 0)
            }
        }

        @Test(arguments: EtcdVersion.all)
        func sessionEndsWhenItsBodyThrows(version: EtcdVersion) async throws {
            struct Failure: Error {}
            try await version.withSharedClient { client, prefix in
                await expectThrown(Failure.self) {
                    try await client.withSession { session in
                        try await client.put(prefix, "", lease: session.lease.id)
                        throw Failure()
                    }
                }
                let entry = try await client.get(prefix)
                #expect(entry == nil)
            }
        }

        @Test(arguments: EtcdVersion.all)
        func sessionKeepsItsLeaseAlive(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                try await client.withSession(ttl: .seconds(10)) { session in
                    try await client.put(prefix, "", lease: session.lease.id)
                    // Meanwhile a lease without renewals ends.
                    let other = try await client.grantLease(ttl: .seconds(11))
                    try await eventually { try await !client.leaseIDs().contains(other.id) }
                    let entry = try await client.get(prefix)
                    #expect(entry != nil)
                }
            }
        }

        @Test(arguments: EtcdVersion.all)
        func lossOfTheSessionCancelsTheBody(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, _ in
                let isCancelled = Watched(false)
                let failure = await expectFailure {
                    try await client.withSession(ttl: .seconds(10)) { session in
                        try await client.revokeLease(session.lease.id)
                        try? await Gate().pass()
                        isCancelled.set(Task.isCancelled)
                    }
                }
                #expect(failure?.code == .leaseNotFound)
                #expect(isCancelled.value)
            }
        }

        /// When a program has to end, all tasks may be cancelled, even the client's own.
        @Test(arguments: EtcdVersion.all)
        func sessionEndsWhenItsTaskIsCancelled(version: EtcdVersion) async throws {
            let server = try #require(SharedServers.servers[version])
            let lease = Watched<LeaseID?>(nil)
            let task = Task {
                try await server.withClient { client in
                    try await client.withSession { session in
                        lease.set(session.lease.id)
                        try await Gate().pass()
                    }
                }
            }
            let id = try #require(await lease.first { $0 != nil } ?? nil)
            task.cancel()
            await expectThrown(CancellationError.self) { try await task.value }
            try await server.withClient { client in
                let leases = try await client.leaseIDs()
                #expect(!leases.contains(id))
            }
        }
    }
}
