import EtcdClient
import ServiceKit
import Testing

extension SharedServerTests {
    struct FollowTests {
        @Test(arguments: EtcdVersion.all)
        func snapshotComesFirstAndThenEachChange(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                try await client.put(prefix + "a", "1")
                let revision = try await client.put(prefix + "b", "2").revision
                try await client.following(.prefix(prefix)) { follower in
                    _ = await follower.first { $0.contains("connected") }
                    try await client.put(prefix + "a", "3")
                    try await client.delete(prefix + "b")
                    try await client.put(prefix + "c", "4")
                    let told = await follower.first { $0.contains("c=4") }
                    let expected = [
                        "snapshot start: a=1 b=2", "connected", "a=3", "b removed", "c=4",
                    ]
                    #expect(told?.map { $0.replacing(prefix, with: "") } == expected)
                    #expect(try #require(follower.revision) >= revision)
                }
            }
        }

        @Test(arguments: EtcdVersion.all)
        func entriesThatDecodeToNilAreHidden(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                try await client.put(prefix + "a", "x")
                try await client.following(.prefix(prefix)) { follower in
                    _ = await follower.first { $0.contains("connected") }
                    try await client.put(prefix + "a", "1")
                    try await client.put(prefix + "a", "y")
                    try await client.put(prefix + "b", "2")
                    let told = await follower.first { $0.contains("b=2") }
                    let expected = ["snapshot start:", "connected", "a=1", "a removed", "b=2"]
                    #expect(told?.map { $0.replacing(prefix, with: "") } == expected)
                }
            }
        }

        @Test(arguments: EtcdVersion.all)
        func listAndWatchEndsWithItsTask(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                let told = Watched(0)
                let follower = Task {
                    await client.listAndWatch(.prefix(prefix)) { $0 }.run { _ in told.update { $0 += 1 } }
                }
                _ = await told.first { $0 == 2 }
                follower.cancel()
                await follower.value
                try await client.waitForWatches(0)
                #expect(told.value == 2, "a cancellation is no interruption")
            }
        }

        /// A change costs one event: keys are listed once.
        @Test(arguments: EtcdVersion.all)
        func interruptionCausesNoSecondList(version: EtcdVersion) async throws {
            try await version.withSharedObservedClient { client, wire, prefix in
                try await client.following(.prefix(prefix)) { follower in
                    _ = await follower.first { $0.contains("connected") }
                    let before = wire.count("Range")
                    for number in 0..<50 { try await client.put(prefix + "a", "\(number)") }
                    _ = await follower.first { $0.contains("a=49") }
                    #expect(wire.count("Range") == before)
                }
            }
        }
    }
}
