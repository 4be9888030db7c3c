import ServiceKitTesting
import Testing

@testable import EtcdClient

extension SharedServerTests {
    /// Requests that etcd carries out, but whose answers are lost.
    struct LostAnswerTests {
        @Test(arguments: EtcdVersion.all)
        func readWithALostAnswerIsRepeated(version: EtcdVersion) async throws {
            try await version.withSharedObservedClient { client, wire, prefix in
                wire.loseAnswer(to: "Range")
                let entry = try await client.get(prefix)
                #expect(entry == nil)
                #expect(wire.count("Range") == 2)
            }
        }

        @Test(arguments: EtcdVersion.all)
        func writeWithALostAnswerIsNotRepeated(version: EtcdVersion) async throws {
            try await version.withSharedObservedClient { client, wire, prefix in
                for (method, operation) in [
                    ("Put", { try await client.put(prefix, "") }),
                    ("Txn", { _ = try await client.commit(Transaction(then: [.put(prefix, "")])) }),
                    ("DeleteRange", { try await client.delete(prefix) }),
                ] as [(String, () async throws -> Void)] {
                    wire.loseAnswer(to: method)
                    await expectFailure(.unavailable) { try await operation() }
                    #expect(wire.count(method) == 1)
                }
                let entry = try await client.get(prefix)
                #expect(entry == nil, "all were carried out, the deletion last")
            }
        }

        @Test(arguments: EtcdVersion.all)
        func aLeaseIsGrantedOnce(version: EtcdVersion) async throws {
            try await version.withSharedObservedClient { client, wire, _ in
                wire.loseAnswer(to: "LeaseGrant")
                let lease = try await client.grantLease(ttl: .seconds(60))
                #expect(wire.count("LeaseGrant") == 2)
                #expect(try await client.leaseDetails(lease.id).grantedTTL == lease.ttl)
                wire.loseAnswer(to: "LeaseRevoke")
                try await client.revokeLease(lease.id)
                let left = try await client.leaseIDs()
                #expect(!left.contains(lease.id))
            }
        }

        /// A repeated attempt would find its own lease and take it for another client's.
        @Test(arguments: EtcdVersion.all)
        func leaseWithAGivenNumberIsNotRequestedAgain(version: EtcdVersion) async throws {
            try await version.withSharedObservedClient { client, wire, _ in
                wire.loseAnswer(to: "LeaseGrant")
                let id = LeaseID.random(in: 1...LeaseID.max)
                await expectFailure(.unavailable) { _ = try await client.grantLease(ttl: .seconds(60), id: id) }
                try await client.revokeLease(id)
            }
        }

        /// One lost answer each while the session joins the queue, looks for its predecessor, and leaves.
        @Test(arguments: EtcdVersion.all)
        func lockWithLostAnswersIsHeldAndReleased(version: EtcdVersion) async throws {
            try await version.withSharedObservedClient { client, wire, prefix in
                try await client.withSession { session in
                    wire.loseAnswer(to: "Txn")
                    try await session.withLock(prefix) { lock in
                        let entry = try await client.get(lock.key)
                        #expect(entry?.createRevision == lock.createRevision)
                        wire.loseAnswer(to: "DeleteRange")
                    }
                    let left = try await client.count(.prefix(prefix))
                    #expect(left == 0)
                    #expect(wire.count("Txn") == 3)
                    #expect(wire.count("DeleteRange") == 2)
                }
            }
        }
    }
}
