import ServiceKit
import ServiceKitTesting
import Testing

@testable import EtcdClient

/// Watches when the server goes away, comes back, or has forgotten revisions.
@Suite(.serialized, .enabled(if: EtcdServer.isAvailable(), "etcd is not installed"), .timeLimit(.minutes(3)))
struct WatchResumptionTests {
    @Test(arguments: EtcdVersion.all)
    func restartsNeitherLoseNorRepeatEvents(version: EtcdVersion) async throws {
        try await version.withServer { server in
            try await server.withClient { client in
                let start = try await client.put("k/", "").revision + 1
                let written = Watched(0)
                try await withThrowingTaskGroup(of: [WatchEvent].self) { group in
                    group.addTask {
                        var watch = client.watch(.prefix("k/")).makeAsyncIterator()
                        try await watch.connected()
                        written.set(1)
                        var events: [WatchEvent] = []
                        while events.last?.entry.keyText != "k/end" { events += try await watch.events() }
                        return events
                    }
                    group.addTask {
                        _ = await written.first { $0 > 0 }
                        while written.value < 600 {
                            // A failed write may have been carried out. This does not matter here.
                            guard (try? await client.put("k/\(written.value % 5)", "\(written.value)")) != nil else {
                                continue
                            }
                            written.update { $0 += 1 }
                        }
                        return []
                    }
                    for goal in [100, 250, 400] {
                        _ = await written.first { $0 >= goal }
                        try await server.kill()
                        try await server.start()
                    }
                    _ = await written.first { $0 >= 600 }
                    try await client.put("k/end", "")
                    var told: [WatchEvent] = []
                    for try await events in group { told += events }

                    var history: [WatchEvent] = []
                    var watch = client.watch(.prefix("k/"), .with { $0.from = start }).makeAsyncIterator()
                    while history.last?.entry.keyText != "k/end" { history += try await watch.events() }
                    #expect(history.count >= 600)
                    #expect(told == history)
                }
            }
        }
    }

    @Test(arguments: EtcdVersion.all)
    func aWatchSaysWhenItIsInterruptedAndWhenItGoesOn(version: EtcdVersion) async throws {
        try await version.withServer { server in
            try await server.withClient { client in
                var watch = client.watch(.key("k")).makeAsyncIterator()
                try await watch.connected()
                let revision = try await client.put("k", "1").revision
                _ = try await watch.events()
                try await server.kill()
                let failure = try await watch.interrupted()
                #expect(failure.code == .unavailable)
                #expect(failure.message.contains(server.endpoints[0]))
                try await server.start()
                #expect(try await watch.connected() == revision + 1)
                try await client.put("k", "2")
                #expect(try await watch.events().map(\.entry.valueText) == ["2"])
            }
        }
    }

    @Test(arguments: EtcdVersion.all)
    func eventsDuringAnInterruptionAreDelivered(version: EtcdVersion) async throws {
        try await version.withServer { server in
            try await server.withObservedClient { client, wire in
                try await server.withClient { other in
                    var watch = client.watch(.key("k")).makeAsyncIterator()
                    try await watch.connected()
                    for round in 0..<3 {
                        wire.cut()
                        _ = try await watch.interrupted()
                        for number in 0..<10 { try await other.put("k", "\(round).\(number)") }
                        wire.mend()
                        try await watch.connected()
                        let values = try await watch.events(10).map(\.entry.valueText)
                        #expect(values == (0..<10).map { "\(round).\($0)" })
                    }
                }
            }
        }
    }

    @Test(arguments: EtcdVersion.all)
    func compactionOfMissedEventsEndsTheWatch(version: EtcdVersion) async throws {
        try await version.withServer { server in
            try await server.withObservedClient { client, wire in
                try await server.withClient { other in
                    var watch = client.watch(.key("k")).makeAsyncIterator()
                    try await watch.connected()
                    wire.cut()
                    _ = try await watch.interrupted()
                    try await other.put("k", "1")
                    let revision = try await other.put("k", "2").revision
                    try await other.compact(revision, waitsUntilDone: true)
                    wire.mend()
                    let failure = try await watch.end()
                    #expect(failure.code == .compacted)
                    #expect(failure.revision == revision)
                    #expect(client.hub.count == 0)
                    await expectFailure(.compacted) { _ = try await client.get("k", revision: revision - 1) }
                }
            }
        }
    }

    /// etcd reports progress from time to time: the reader has not missed the revisions compacted before it.
    @Test(arguments: EtcdVersion.all)
    func progressIsTold(version: EtcdVersion) async throws {
        let interval = "--experimental-watch-progress-notify-interval=100ms"
        try await version.withServer {
            $0.extraArguments = [interval]
        } _: { server in
            try await server.withObservedClient { client, wire in
                try await server.withClient { other in
                    let options = WatchOptions.with { $0.notifiesOfProgress = true }
                    var watch = client.watch(.key("k"), options).makeAsyncIterator()
                    let start = try await watch.connected()
                    for _ in 0..<5 { try await other.put("other", "") }
                    let revision = try await other.put("other", "").revision
                    var progress = start
                    while progress < revision {
                        let update = try await watch.next()
                        guard case .progress(let reached) = update else {
                            Issue.record("this is no progress: \(String(describing: update))")
                            return
                        }
                        #expect(reached >= progress)
                        progress = reached
                    }
                    wire.cut()
                    _ = try await watch.interrupted()
                    try await other.compact(revision)
                    wire.mend()
                    #expect(try await watch.connected() > revision)
                    try await other.put("k", "1")
                    #expect(try await watch.events().map(\.summary) == ["put k=1"])
                }
            }
        }
    }

    /// The server stays, but the reader is slow.
    @Test(arguments: EtcdVersion.all)
    func compactionOfASuspendedWatchEndsIt(version: EtcdVersion) async throws {
        try await version.withServer { server in
            try await server.withClient {
                $0.maxBufferedEvents = 1
            } _: { client in
                var watch = client.watch(.key("k")).makeAsyncIterator()
                var other = client.watch(.key("k")).makeAsyncIterator()
                try await watch.connected()
                try await other.connected()
                var revision: Revision = 0
                for number in 0..<5 {
                    revision = try await client.put("k", "\(number)").revision
                    // By then etcd has sent the event to the slow watch too.
                    _ = try await other.events()
                }
                try await client.compact(revision)
                #expect(try await watch.events().map(\.entry.valueText) == ["0"])
                #expect(try await watch.end().code == .compacted)
            }
        }
    }

    @Test(arguments: EtcdVersion.all)
    func aStoreThatHasLostItsDataIsTold(version: EtcdVersion) async throws {
        try await version.withServer { server in
            try await server.withClient { client in
                for number in 0..<10 { try await client.put("k", "\(number)") }
                var watch = client.watch(.key("k")).makeAsyncIterator()
                try await watch.connected()
                try await server.kill()
                try server.wipe()
                try await server.start()
                let failure = try await watch.end()
                #expect(failure.code == .storeReset)
                // A new watch belongs to the new store.
                var new = client.watch(.key("k")).makeAsyncIterator()
                try await new.connected()
                try await client.put("k", "new")
                #expect(try await new.events().map(\.entry.valueText) == ["new"])
            }
        }
    }

    @Test(arguments: EtcdVersion.all)
    func listAndWatchIsCorrectAfterRandomFaults(version: EtcdVersion) async throws {
        try await version.withServer { server in
            try await server.withObservedClient { client, wire in
                try await server.withClient { other in
                    try await other.put("f/a", "1")
                    try await client.following(.prefix("f/")) { follower in
                        _ = await follower.first { $0.contains("connected") }

                        wire.cut()
                        _ = await follower.first { $0.contains("interrupted") }
                        try await other.put("f/a", "2")
                        wire.mend()
                        _ = await follower.first { $0.contains("a=2") }
                        #expect(
                            follower.updates == [
                                "snapshot start: f/a=1", "connected", "interrupted", "connected",
                                "f/a=2",
                            ])

                        wire.cut()
                        _ = await follower.first { _ in follower.updates.count == 6 }
                        try await other.delete("f/a")
                        try await other.put("f/b", "3")
                        let revision = try await other.put("f/b", "4").revision
                        try await other.compact(revision)
                        wire.mend()
                        _ = await follower.first { $0.contains("snapshot compaction: f/b=4") }

                        try await server.kill()
                        try server.wipe()
                        try await server.start()
                        _ = await follower.first { $0.contains("snapshot storeReset:") }
                        try await other.put("f/c", "5")
                        _ = await follower.first { $0.contains("c=5") }
                    }
                }
            }
        }
    }
}
