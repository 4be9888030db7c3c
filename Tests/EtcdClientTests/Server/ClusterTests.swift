import ServiceKit
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import EtcdClient

/// Three members. Some of them go away.
@Suite(.serialized, .enabled(if: EtcdServer.isAvailable(), "etcd is not installed"), .timeLimit(.minutes(5)))
struct ClusterTests {
    /// Writes until a write succeeds. Each attempt has to end within its time.
    private func putInTheEnd(_ client: EtcdClient, _ key: String, within limit: Duration) async throws {
        while true {
            let start = ContinuousClock.now
            do {
                try await client.put(key, "")
                return
            } catch {
                #expect(error.code.isTransient, "\(error)")
                #expect(start.duration(to: .now) < limit + .seconds(20))
            }
            try Task.checkCancellation()
        }
    }

    @Test(arguments: EtcdVersion.all)
    func membersAndStatusAreDescribed(version: EtcdVersion) async throws {
        try await version.withCluster { server in
            try await server.withClient { client in
                let members = try await client.clusterMembers()
                #expect(Set(members.map(\.name)) == ["member-0", "member-1", "member-2"])
                #expect(Set(members.flatMap(\.clientURLs)) == Set(server.endpoints))
                #expect(Set(members.flatMap(\.peerURLs)).count == 3)
                #expect(members.map(\.isLearner) == [false, false, false])

                let revision = try await client.put("k", "").revision
                _ = try await client.get("k")
                for (index, endpoint) in client.endpoints.enumerated() {
                    // A member other than the leader may lag for a moment.
                    try await eventually { try await client.status(of: endpoint).revision == revision }
                    let status = try await client.status(of: endpoint)
                    #expect(status.version.hasPrefix(version == .installed ? "3." : "3.5"))
                    let member = try #require(members.first { $0.name == "member-\(index)" })
                    #expect(member.id == status.memberID)
                    #expect(status.raftTerm > 0)
                    #expect(status.databaseBytes > 0)
                    #expect(status.databaseBytesInUse <= status.databaseBytes)
                    #expect(!status.isLearner)
                    // On a busy machine the leader changes now and then, and for a moment there is none.
                    try await eventually {
                        let leader = try await server.leader()
                        let status = try await client.status(of: endpoint)
                        return status.errors.isEmpty && (status.leaderID == status.memberID) == (index == leader)
                    }
                }
            }
        }
    }

    @Test(arguments: EtcdVersion.all)
    func theDeathOfTheLeaderIsSurvived(version: EtcdVersion) async throws {
        try await version.withCluster { server in
            // A member that has taken a write does not report the leader's death: each write takes its whole time.
            try await server.withClient {
                $0.requestTimeout = .seconds(5)
            } _: { client in
                var watch = client.watch(.prefix("k/")).makeAsyncIterator()
                try await watch.connected()
                let lease = try await client.grantLease(ttl: .seconds(30))
                var renewals = client.keepAlive(lease).makeAsyncIterator()
                for round in 0..<3 {
                    try await putInTheEnd(client, "k/\(round).before", within: .seconds(5))
                    let leader = try await server.leader()
                    try await server.kill(leader)
                    try await putInTheEnd(client, "k/\(round).after", within: .seconds(5))
                    #expect(try await client.get("k/\(round).before") != nil)
                    try await server.start(leader)
                    try await server.waitUntilReady()
                }
                // The first renewal may have come long ago.
                _ = try await renewals.next()
                _ = try await renewals.next()
                try await putInTheEnd(client, "k/end", within: .seconds(5))
                var keys: [String] = []
                while keys.last != "k/end" { keys += try await watch.events().map(\.entry.keyText) }
                let written = try await client.list(.prefix("k/")).entries.map(\.keyText)
                #expect(Set(keys) == Set(written), "nothing is missed")
                #expect(try await client.leaseDetails(lease.id).grantedTTL == .seconds(30))
            }
        }
    }

    @Test(arguments: EtcdVersion.all)
    func callsFailInTimeWithoutAQuorumAndSucceedLater(version: EtcdVersion) async throws {
        try await version.withCluster { server in
            let left = try await server.leader()
            let others = server.endpoints.indices.filter { $0 != left }
            try await server.withClient {
                $0.requestTimeout = .seconds(5)
            } _: { client in
                try await client.put("k", "1")
                var watch = client.watch(.key("k")).makeAsyncIterator()
                try await watch.connected()
                for member in others { try await server.kill(member) }
                for operation in [
                    { _ = try await client.get("k") },
                    { try await client.put("k", "2") },
                    { _ = try await client.grantLease(ttl: .seconds(60)) },
                ] as [() async throws -> Void] {
                    let start = ContinuousClock.now
                    let failure = await expectFailure { try await operation() }
                    #expect(failure?.code.isTransient == true, "\(String(describing: failure))")
                    #expect(start.duration(to: .now) < .seconds(20))
                }
                _ = try await watch.interrupted()
                // A single member can still answer from its own data.
                let endpoint = client.endpoints[left]
                try await eventually { try await client.status(of: endpoint).leaderID == nil }
                let only = try EtcdConfig(endpoints: [server.endpoints[left]])
                try await EtcdClient.withClient(only, logger: .silent) { client in
                    // The last attempt may begin too late to learn this.
                    try await eventually {
                        await expectFailure { try await client.put("k", "3") }?.code == .noLeader
                    }
                }

                for member in others { try await server.start(member) }
                try await server.waitUntilReady()
                try await putInTheEnd(client, "k/after", within: .seconds(5))
                try await client.put("k", "4")
                while try await watch.events().last?.entry.valueText != "4" {}
            }
        }
    }

    @Test(arguments: EtcdVersion.all)
    func aClientNeedsOneMemberThatRuns(version: EtcdVersion) async throws {
        try await version.withCluster { server in
            try await server.kill(0)
            _ = try await server.leader()
            try await server.withObservedClient(first: 0) {
                $0.credentials = nil
            } _: { client, _ in
                try await client.put("k", "1")
                var watch = client.watch(.key("k"), .with { $0.from = 1 }).makeAsyncIterator()
                #expect(try await watch.events().map(\.summary) == ["put k=1"])
                await expectFailure(.unavailable) { _ = try await client.status(of: client.endpoints[0]) }
                let stranger = EtcdEndpoint(host: "127.0.0.1", port: 1)
                await expectFailure(.invalidArgument) { _ = try await client.status(of: stranger) }
            }
        }
    }

    @Test(arguments: EtcdVersion.all)
    func theTokenIsHadFromAMemberThatRuns(version: EtcdVersion) async throws {
        try await version.withCluster { server in
            try await server.addUser("ada", password: "lovelace", prefix: "ada/")
            try await server.enableAuth()
            try await server.kill(0)
            _ = try await server.leader()
            let ada = EtcdConfig.Credentials(username: "ada", password: "lovelace")
            try await server.withObservedClient(first: 0) {
                $0.credentials = ada
            } _: { client, _ in
                try await client.put("ada/k", "1")
                #expect(try await client.get("ada/k")?.valueText == "1")
            }
        }
    }

    /// A session waits while the leader dies, and gets the lock all the same.
    @Test(arguments: EtcdVersion.all)
    func aLockOutlivesTheLeader(version: EtcdVersion) async throws {
        try await version.withCluster { server in
            try await server.withClient {
                $0.requestTimeout = .seconds(10)
            } _: { client in
                let gate = Gate()
                let order = Watched<[Int]>([])
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<2 {
                        group.addTask {
                            try await client.withSession(ttl: .seconds(30)) { session in
                                try await session.withLock("lock") { _ in
                                    order.update { $0.append(number) }
                                    if number == 0 { try await gate.pass() }
                                }
                            }
                        }
                        try await eventually { try await client.count(.prefix("lock/")) == number + 1 }
                    }
                    let leader = try await server.leader()
                    try await server.kill(leader)
                    gate.open()
                    try await group.waitForAll()
                    #expect(order.value == [0, 1])
                    try await server.start(leader)
                }
            }
        }
    }
}
