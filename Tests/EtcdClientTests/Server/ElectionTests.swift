import EtcdClient
import ServiceKit
import ServiceKitTestSupport
import Testing

extension SharedServerTests {
    struct ElectionTests {
        @Test(arguments: EtcdVersion.all)
        func candidatesLeadOneAfterTheOther(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, name in
                #expect(try await client.leader(of: name) == nil)
                let gates = [Gate(), Gate()]
                @Sendable func candidate(_ number: Int) -> Task<Revision, any Error> {
                    Task {
                        try await client.withSession { session in
                            try await session.lead(name, value: "candidate \(number)") { leadership in
                                try await gates[number].pass()
                                return leadership.ownership.createRevision
                            }
                        }
                    }
                }
                let first = candidate(0)
                await gates[0].waitForArrivals()
                let second = candidate(1)
                try await eventually { try await client.count(.prefix(name + "/")) == 2 }
                let leader = try #require(try await client.leader(of: name))
                #expect(leader.value == "candidate 0")
                gates[0].open()
                #expect(try await first.value == leader.createRevision)
                await gates[1].waitForArrivals()
                let next = try #require(try await client.leader(of: name))
                #expect(next.value == "candidate 1")
                #expect(next.createRevision > leader.createRevision)
                #expect(next.key != leader.key)
                gates[1].open()
                _ = try await second.value
                #expect(try await client.leader(of: name) == nil)
            }
        }

        @Test(arguments: EtcdVersion.all)
        func leaderThatThrowsResigns(version: EtcdVersion) async throws {
            struct Failure: Error {}
            try await version.withSharedClient { client, name in
                try await client.withSession { session in
                    await expectThrown(Failure.self) {
                        try await session.lead(name, value: "one") { _ in throw Failure() }
                    }
                    let nobody = try await client.leader(of: name)
                    #expect(nobody == nil)
                }
            }
        }

        @Test(arguments: EtcdVersion.all)
        func leaderCanProclaimAnotherValue(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, name in
                try await client.withSession { session in
                    try await session.lead(name, value: "one") { leadership in
                        let before = try await client.leader(of: name)
                        try await leadership.proclaim("two")
                        let after = try await client.leader(of: name)
                        #expect(before?.value == "one")
                        #expect(after?.value == "two")
                        #expect(after?.createRevision == before?.createRevision)
                        // This has the effect of an ended session.
                        try await client.delete(leadership.ownership.key)
                        await expectFailure(.leaseNotFound) { try await leadership.proclaim("three") }
                        let nobody = try await client.leader(of: name)
                        #expect(nobody == nil)
                    }
                }
            }
        }

        @Test(arguments: EtcdVersion.all)
        func observersSeeEachLeader(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, name in
                let told = Watched<[String]>([])
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        await client.observeLeader(of: name) { leader in
                            told.update { $0.append(leader?.value ?? "nobody") }
                        }
                    }
                    defer { group.cancelAll() }
                    _ = await told.first { $0 == ["nobody"] }
                    try await client.withSession { session in
                        try await session.lead(name, value: "one") { leadership in
                            _ = await told.first { $0.last == "one" }
                            try await leadership.proclaim("uno")
                            _ = await told.first { $0.last == "uno" }
                            // A waiting candidate changes nothing.
                            try await client.put(name + "/zzz", "two")
                            try await client.put(name + "-other/x", "three")
                        }
                    }
                    _ = await told.first { $0.last == "two" }
                    try await client.delete(name + "/zzz")
                    let all = await told.first { $0.last == "nobody" && $0.count > 1 }
                    #expect(all == ["nobody", "one", "uno", "two", "nobody"])
                }
            }
        }
    }
}
