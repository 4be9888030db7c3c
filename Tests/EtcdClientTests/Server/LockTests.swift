import ServiceKit
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import EtcdClient

extension SharedServerTests {
    struct LockTests {
        /// The current and the former owners of a lock. Complains about two owners at once.
        private final class Ledger: Sendable {
            let holders = Watched<[Int]>([])
            let history = Watched<[Int]>([])

            func hold(_ number: Int, _ body: () async throws -> Void = {}) async throws {
                let together = holders.update { holders in
                    holders.append(number)
                    return holders
                }
                #expect(together == [number])
                history.update { $0.append(number) }
                for _ in 0..<20 { await Task.yield() }
                defer { holders.update { holders in holders.removeAll { $0 == number } } }
                try await body()
            }
        }

        /// Waits until this many sessions wait in the queue.
        private func waitForLine(_ client: EtcdClient, _ name: String, _ count: Int) async throws {
            try await eventually { try await client.count(.prefix(name + "/")) == count }
        }

        @Test(arguments: EtcdVersion.all)
        func lockHasOneOwnerAtATime(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, name in
                let ledger = Ledger()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<8 {
                        group.addTask {
                            try await client.withSession { session in
                                for _ in 0..<5 {
                                    try await session.withLock(name) { _ in try await ledger.hold(number) }
                                }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(ledger.history.value.count == 40)
                #expect(try await client.count(.prefix(name)) == 0)
            }
        }

        /// Sessions of several clients, like those of several processes.
        @Test(arguments: EtcdVersion.all)
        func waitersGetTheLockInOrder(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, name in
                let ledger = Ledger()
                let gate = Gate()
                let server = try #require(SharedServers.servers[version])
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<6 {
                        group.addTask {
                            try await server.withClient { other in
                                try await other.withSession { session in
                                    try await session.withLock(name) { _ in
                                        try await ledger.hold(number) { if number == 0 { try await gate.pass() } }
                                    }
                                }
                            }
                        }
                        try await waitForLine(client, name, number + 1)
                    }
                    gate.open()
                    try await group.waitForAll()
                }
                #expect(ledger.history.value == Array(0..<6))
            }
        }

        @Test(arguments: EtcdVersion.all)
        func isOwnerConditionGuardsATransaction(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, name in
                try await client.withSession { session in
                    let first = try await session.withLock(name) { lock in
                        let result = try await client.commit(Transaction(if: [lock.isOwner], then: []))
                        #expect(result.succeeded)
                        return lock
                    }
                    let second = try await session.withLock(name) { $0 }
                    #expect(second.createRevision > first.createRevision)
                    let late = try await client.commit(Transaction(if: [first.isOwner], then: []))
                    #expect(!late.succeeded)
                }
            }
        }

        @Test(arguments: EtcdVersion.all)
        func lockIsReleasedWhenTheBodyThrows(version: EtcdVersion) async throws {
            struct Failure: Error {}
            try await version.withSharedClient { client, name in
                try await client.withSession { session in
                    await expectThrown(Failure.self) { try await session.withLock(name) { _ in throw Failure() } }
                    let left = try await client.count(.prefix(name))
                    #expect(left == 0)
                    try await session.withLock(name) { _ in }
                }
            }
        }

        @Test(arguments: EtcdVersion.all)
        func cancelledWaiterLeavesTheQueue(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, name in
                let gate = Gate()
                let ledger = Ledger()
                @Sendable func enter(_ number: Int) -> Task<Void, any Error> {
                    Task {
                        try await client.withSession { session in
                            try await session.withLock(name) { _ in
                                try await ledger.hold(number) { if number == 0 { try await gate.pass() } }
                            }
                        }
                    }
                }
                let first = enter(0)
                try await waitForLine(client, name, 1)
                let second = enter(1)
                try await waitForLine(client, name, 2)
                let third = enter(2)
                try await waitForLine(client, name, 3)
                // Both wait for the key before their own. No call is under way that could fail instead.
                try await client.waitForWatches(2)
                second.cancel()
                await expectThrown(CancellationError.self) { try await second.value }
                #expect(try await client.count(.prefix(name)) == 2)
                gate.open()
                try await first.value
                try await third.value
                #expect(ledger.history.value == [0, 2])
            }
        }

        @Test(arguments: EtcdVersion.all)
        func cancelledOwnerReleasesTheLock(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, name in
                try await client.withSession { session in
                    let gate = Gate()
                    let holder = Task {
                        try await session.withLock(name) { _ in try await gate.pass() }
                    }
                    await gate.waitForArrivals()
                    holder.cancel()
                    await expectThrown(CancellationError.self) { try await holder.value }
                    let left = try await client.count(.prefix(name))
                    #expect(left == 0)
                }
            }
        }

        @Test(arguments: EtcdVersion.all)
        func lockIsReleasedWithTheSession(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, name in
                let gate = Gate()
                let first = Task {
                    try await client.withSession(ttl: .seconds(10)) { session in
                        try await session.withLock(name) { _ in
                            // This has the effect of a missed renewal.
                            try await client.revokeLease(session.lease.id)
                            try await gate.pass()
                        }
                    }
                }
                await gate.waitForArrivals()
                try await client.withSession { session in try await session.withLock(name) { _ in } }
                await expectFailure(.leaseNotFound) { try await first.value }
            }
        }

        /// A session that has lost its place must not take the end of its predecessor for its turn.
        @Test(arguments: EtcdVersion.all)
        func lostSessionDoesNotGetTheLock(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, name in
                let gate = Gate()
                let ledger = Ledger()
                let first = Task {
                    try await client.withSession { session in
                        try await session.withLock(name) { _ in try await gate.pass() }
                    }
                }
                await gate.waitForArrivals()
                let lease = try await client.grantLease(ttl: .seconds(60))
                // A session that does not know of its end yet.
                let session = EtcdSession(client: client, lease: lease)
                let second = Task { try await session.withLock(name) { _ in try await ledger.hold(2) } }
                try await waitForLine(client, name, 2)
                try await client.waitForWatches(1)
                try await client.revokeLease(lease.id)
                gate.open()
                try await first.value
                await expectFailure(.leaseNotFound) { try await second.value }
                #expect(ledger.history.value.isEmpty)
            }
        }

        @Test(arguments: EtcdVersion.all)
        func locksOfDifferentNamesAreIndependent(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, name in
                try await client.withSession { one in
                    try await one.withLock(name + "user") { _ in
                        try await client.withSession { two in
                            try await two.withLock(name + "user-admin") { _ in }
                            try await two.withLock(name + "use") { _ in }
                        }
                    }
                }
            }
        }
    }
}
