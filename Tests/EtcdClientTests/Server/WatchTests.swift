import ServiceKitTesting
import Testing

@testable import EtcdClient

extension SharedServerTests {
    struct WatchTests {
        @Test(arguments: EtcdVersion.all)
        func changesAreToldAsTheyHappen(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                try await client.put(prefix, "before")
                var watch = client.watch(.key(prefix)).makeAsyncIterator()
                let start = try await watch.connected()
                let written = try await client.put(prefix, "1").revision
                #expect(start <= written)
                let put = try #require(try await watch.events().first)
                #expect(put.kind == .put)
                #expect(put.entry == (try await client.get(prefix)))
                #expect(put.previous == nil, "it was not asked for")
                let deleted = try await client.delete(.key(prefix)).revision
                let delete = try #require(try await watch.events().first)
                #expect(delete.kind == .delete)
                #expect(delete.entry.keyText == prefix)
                #expect(delete.entry.modRevision == deleted)
            }
        }

        @Test(arguments: EtcdVersion.all)
        func eventsOfOtherKeysAreNotDelivered(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                var one = client.watch(.key(prefix + "b")).makeAsyncIterator()
                var many = client.watch(.prefix(prefix + "b")).makeAsyncIterator()
                var some = client.watch(.range(from: prefix + "a", to: prefix + "bb")).makeAsyncIterator()
                try await one.connected()
                try await many.connected()
                try await some.connected()
                for name in ["a", "b", "ba", "bb", "c", "b"] { try await client.put(prefix + name, "") }
                func names(_ events: [WatchEvent]) -> [String] {
                    events.map { String($0.entry.keyText.dropFirst(prefix.count)) }
                }
                #expect(names(try await one.events(2)) == ["b", "b"])
                #expect(names(try await many.events(4)) == ["b", "ba", "bb", "b"])
                #expect(names(try await some.events(4)) == ["a", "b", "ba", "b"])
            }
        }

        @Test(arguments: EtcdVersion.all)
        func thePastIsToldFromARevisionOn(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                try await client.put(prefix, "1")
                let second = try await client.put(prefix, "2").revision
                try await client.put(prefix, "3")
                var watch = client.watch(.key(prefix), .with { $0.from = second }).makeAsyncIterator()
                #expect(try await watch.connected() == second)
                #expect(try await watch.events(2).map(\.entry.valueText) == ["2", "3"])
                try await client.put(prefix, "4")
                #expect(try await watch.events().map(\.entry.valueText) == ["4"])
            }
        }

        @Test(arguments: EtcdVersion.all)
        func previousEntryIsDelivered(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                var watch = client.watch(.key(prefix), .with { $0.returnsPrevious = true }).makeAsyncIterator()
                try await watch.connected()
                try await client.put(prefix, "1")
                try await client.put(prefix, "2")
                try await client.delete(prefix)
                let events = try await watch.events(3)
                #expect(events.map(\.previous?.valueText) == [nil, "1", "2"])
                #expect(events.last?.previous?.version == 2)
            }
        }

        @Test(arguments: EtcdVersion.all)
        func writesOrDeletionsMayBeLeftOut(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                var puts = client.watch(.key(prefix), .with { $0.includesDeletes = false }).makeAsyncIterator()
                var deletes = client.watch(.key(prefix), .with { $0.includesPuts = false }).makeAsyncIterator()
                try await puts.connected()
                try await deletes.connected()
                for number in 0..<2 {
                    try await client.put(prefix, "\(number)")
                    try await client.delete(prefix)
                }
                #expect(try await puts.events(2).map(\.kind) == [.put, .put])
                #expect(try await deletes.events(2).map(\.kind) == [.delete, .delete])
            }
        }

        @Test(arguments: EtcdVersion.all)
        func aTransactionIsToldAsAWhole(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                var watch = client.watch(.prefix(prefix)).makeAsyncIterator()
                try await watch.connected()
                let result = try await client.commit(Transaction(then: (0..<100).map { .put(prefix + "\($0)", "") }))
                let events = try await watch.events()
                #expect(events.count == 100)
                #expect(Set(events.map(\.entry.modRevision)) == [result.revision])
            }
        }

        /// A revision of 3 MB, which etcd sends in fragments, since one message would be too large.
        @Test(arguments: EtcdVersion.all)
        func aLargeTransactionIsToldAsAWhole(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                let value = [UInt8](repeating: 120, count: 30_000)
                for number in 0..<100 { try await client.put(prefix + "\(number)", value) }
                var watch = client.watch(.prefix(prefix), .with { $0.returnsPrevious = true }).makeAsyncIterator()
                try await watch.connected()
                let revision = try await client.delete(.prefix(prefix)).revision
                try await client.put(prefix + "after", "")
                let events = try await watch.events()
                let deletions = events.prefix(100)
                #expect(deletions.count == 100)
                #expect(Set(deletions.map(\.entry.modRevision)) == [revision])
                #expect(Set(deletions.map(\.previous?.value)) == [value])
                let rest = events.count > 100 ? Array(events.dropFirst(100)) : try await watch.events()
                #expect(rest.map(\.entry.keyText) == [prefix + "after"])
            }
        }

        /// Fragments with many revisions each. The last revision may be incomplete.
        @Test(arguments: EtcdVersion.all)
        func aLargePastIsToldRevisionByRevision(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                let value = String(repeating: "x", count: 20_000)
                var revisions: [Revision] = []
                for round in 0..<20 {
                    let writes = (0..<15).map { Transaction.Operation.put(prefix + "\($0)", "\(round)" + value) }
                    revisions.append(try await client.commit(Transaction(then: writes)).revision)
                }
                var watch = client.watch(.prefix(prefix), .with { $0.from = revisions[0] }).makeAsyncIterator()
                var told: [Revision] = []
                while told.count < 300 {
                    let batch = try await watch.events().map(\.entry.modRevision)
                    #expect(batch.count.isMultiple(of: 15), "each revision is told at once")
                    told += batch
                }
                #expect(told == revisions.flatMap { Array(repeating: $0, count: 15) })
            }
        }

        @Test(arguments: EtcdVersion.all)
        func manyWatchesShareOneStream(version: EtcdVersion) async throws {
            try await version.withSharedObservedClient { client, wire, prefix in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<200 {
                        group.addTask {
                            var watch = client.watch(.key(prefix + "\(number)")).makeAsyncIterator()
                            try await watch.connected()
                            try await client.put(prefix + "\(number)", "\(number)")
                            let event = try await watch.events().first
                            #expect(event?.summary == "put \(prefix)\(number)=\(number)")
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(wire.count("Watch") == 1)
            }
        }

        @Test(arguments: EtcdVersion.all, [1, 7, 100])
        func aSlowReaderMissesNothing(version: EtcdVersion, bound: Int) async throws {
            try await version.withSharedClient {
                $0.maxBufferedEvents = bound
            } _: { client, prefix in
                var watch = client.watch(.prefix(prefix)).makeAsyncIterator()
                try await watch.connected()
                for number in 0..<300 { try await client.put(prefix + "\(number % 7)", "\(number)") }
                var values: [String] = []
                while values.count < 300 {
                    values += try await watch.events().map(\.entry.valueText)
                    if values.count == 150 { try await client.put(prefix + "late", "300") }
                }
                #expect(values.prefix(300) == (0..<300).map { "\($0)" }[...])
            }
        }

        @Test(arguments: EtcdVersion.all)
        func aSlowReaderHoldsNobodyUp(version: EtcdVersion) async throws {
            try await version.withSharedClient {
                $0.maxBufferedEvents = 1
            } _: { client, prefix in
                let slow = client.watch(.prefix(prefix)).makeAsyncIterator()
                var quick = client.watch(.prefix(prefix)).makeAsyncIterator()
                try await quick.connected()
                for number in 0..<100 {
                    try await client.put(prefix, "\(number)")
                    #expect(try await quick.events().map(\.entry.valueText) == ["\(number)"])
                }
                withExtendedLifetime(slow) {}
            }
        }

        @Test(arguments: EtcdVersion.all)
        func aWatchEndsWithItsIterator(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                #expect(client.hub.count == 0)
                do {
                    var watch = client.watch(.prefix(prefix)).makeAsyncIterator()
                    try await watch.connected()
                    #expect(client.hub.count == 1)
                }
                try await client.waitForWatches(0)

                let reader = Task { for try await _ in client.watch(.prefix(prefix)) {} }
                try await client.waitForWatches(1)
                reader.cancel()
                try await reader.value
                try await client.waitForWatches(0)
            }
        }

        /// The stream ends with the last watch, and a new one starts with the next. No reader notices.
        @Test(arguments: EtcdVersion.all)
        func watchesCanFollowEachOther(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                for number in 0..<30 {
                    var watch = client.watch(.key(prefix)).makeAsyncIterator()
                    let first = try await watch.next()
                    guard case .connected? = first else {
                        Issue.record("the first that it is told is \(String(describing: first))")
                        return
                    }
                    try await client.put(prefix, "\(number)")
                    #expect(try await watch.events().map(\.entry.valueText) == ["\(number)"])
                }
            }
        }

        @Test(arguments: EtcdVersion.all)
        func aWatchOfNoKeysIsRefusedAndHarmsNoOther(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                var good = client.watch(.key(prefix)).makeAsyncIterator()
                try await good.connected()
                var bad = client.watch(.range(from: "b", to: "a")).makeAsyncIterator()
                #expect(try await bad.end().code == .invalidArgument)
                try await client.put(prefix, "")
                let next = try await good.next()
                guard case .events? = next else {
                    Issue.record("the other watch was told \(String(describing: next))")
                    return
                }
                #expect(client.hub.count == 1)
            }
        }
    }
}
