import ServiceKit
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import EtcdClient

/// Leases when the server goes away.
///
/// The tests wait for leases to end, which takes no processor: they run at the same time.
@Suite(.enabled(if: EtcdServer.isAvailable(), "etcd is not installed"), .timeLimit(.minutes(3)))
struct LeaseLossTests {
    @Test(arguments: EtcdVersion.all)
    func aLeaseOutlivesARestart(version: EtcdVersion) async throws {
        try await version.withServer { server in
            try await server.withClient { client in
                let lease = try await client.grantHardyLease()
                var renewals = client.keepAlive(lease).makeAsyncIterator()
                _ = try await renewals.next()
                try await server.kill()
                try await server.start()
                _ = try await renewals.next()
                _ = try await renewals.next()
                #expect(try await client.leaseDetails(lease.id).remainingTTL > .seconds(15))
            }
        }
    }

    @Test(arguments: EtcdVersion.all)
    func aLeaseThatCannotBeRenewedExpires(version: EtcdVersion) async throws {
        try await version.withServer { server in
            try await server.withClient { client in
                let lease = try await client.grantLease(ttl: .seconds(10))
                var renewals = client.keepAlive(lease).makeAsyncIterator()
                _ = try await renewals.next()
                try await server.kill()
                let failure = await expectFailure { while try await renewals.next() != nil {} }
                #expect(failure?.code == .leaseExpired)
                #expect(failure?.message.contains(String(lease.id, radix: 16)) == true)
                #expect(client.keeper.count == 0)
            }
        }
    }

    /// A server that hangs keeps its connections. Only the missing answers show it.
    @Test(arguments: EtcdVersion.all)
    func leaseExpiresWithoutAnAnswer(version: EtcdVersion) async throws {
        try await version.withServer { server in
            try await server.withClient { client in
                let lease = try await client.grantLease(ttl: .seconds(10))
                var renewals = client.keepAlive(lease).makeAsyncIterator()
                _ = try await renewals.next()
                try server.suspend()
                let failure = await expectFailure { while try await renewals.next() != nil {} }
                #expect(failure?.code == .leaseExpired)
                try server.resume()
            }
        }
    }

    @Test(arguments: EtcdVersion.all)
    func aSessionIsLostWithTheServer(version: EtcdVersion) async throws {
        try await version.withServer { server in
            try await server.withClient {
                $0.requestTimeout = .seconds(10)
            } _: { client in
                let isCancelled = Watched(false)
                let failure = await expectFailure {
                    try await client.withSession(ttl: .seconds(6)) { session in
                        try await server.kill()
                        try? await Gate().pass()
                        isCancelled.set(Task.isCancelled)
                    }
                }
                #expect(failure?.code == .leaseExpired)
                #expect(isCancelled.value)
            }
        }
    }

    @Test(arguments: EtcdVersion.all)
    func aStoreThatHasLostItsDataKnowsNoLease(version: EtcdVersion) async throws {
        try await version.withServer { server in
            try await server.withClient { client in
                let lease = try await client.grantHardyLease()
                var renewals = client.keepAlive(lease).makeAsyncIterator()
                _ = try await renewals.next()
                try await server.kill()
                try server.wipe()
                try await server.start()
                await expectFailure(.leaseNotFound) { while try await renewals.next() != nil {} }
            }
        }
    }
}
