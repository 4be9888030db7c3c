import EtcdClient
import Testing

extension SharedServerTests {
    struct KVTests {
        @Test(arguments: EtcdVersion.all)
        func aKeyIsWrittenReadAndDeleted(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                let key = prefix + "key"
                #expect(try await client.get(key) == nil)
                let first = try await client.put(key, "one")
                let second = try await client.put(key, "two")
                #expect(second.revision > first.revision)
                #expect(second.previous == nil, "it was not asked for")
                let entry = try #require(try await client.get(key))
                #expect(
                    entry
                        == KeyValue(
                            key: key, value: "two", createRevision: first.revision, modRevision: second.revision,
                            version: 2)
                )
                #expect(try await client.get(key, revision: first.revision)?.valueText == "one")
                #expect(try await client.delete(key))
                #expect(try await !client.delete(key))
                #expect(try await client.get(key) == nil)
            }
        }

        @Test(arguments: EtcdVersion.all)
        func thePreviousValueIsReturned(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                #expect(try await client.put(prefix, "one", returnsPrevious: true).previous == nil)
                let previous = try await client.put(prefix, "two", returnsPrevious: true).previous
                #expect(previous?.valueText == "one")
                #expect(previous?.keyText == prefix)
            }
        }

        @Test(arguments: EtcdVersion.all)
        func keysAndValuesAreBytes(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                let key = prefix.etcdBytes + [0xFF, 0x00, 0xFE]
                let value = (0...255).map { UInt8($0) }
                try await client.put(key, value)
                #expect(try await client.get(key)?.value == value)
                try await client.put(key, [] as [UInt8])
                #expect(try await client.get(key)?.value == [])
                #expect(try await client.get(.prefix(prefix.etcdBytes + [0xFF])).entries.map(\.key) == [key])
            }
        }

        @Test(arguments: EtcdVersion.all)
        func rangesAreReadAndDeleted(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                for name in ["a", "b", "ba", "c"] { try await client.put(prefix + name, name) }
                func names(_ range: KeyRange) async throws -> [String] {
                    try await client.get(range).entries.map(\.valueText)
                }
                #expect(try await names(.prefix(prefix)) == ["a", "b", "ba", "c"])
                #expect(try await names(.prefix(prefix + "b")) == ["b", "ba"])
                #expect(try await names(.range(from: prefix + "b", to: prefix + "c")) == ["b", "ba"])
                #expect(try await names(.from(prefix + "ba")).starts(with: ["ba", "c"]))
                #expect(try await names(.key(prefix + "b")) == ["b"])
                #expect(try await client.count(.prefix(prefix)) == 4)
                #expect(try await client.count(.key(prefix + "nothing")) == 0)
                let deletion = try await client.delete(.prefix(prefix + "b"))
                #expect(deletion.count == 2)
                let left = try await client.get(.prefix(prefix))
                #expect(left.entries.map(\.valueText) == ["a", "c"])
                #expect(left.revision >= deletion.revision)
            }
        }

        @Test(arguments: EtcdVersion.all)
        func rangeFromAnEmptyKeyFindsTheFirstKeys(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                try await client.put(prefix, "")
                let found = try await client.get(.range(from: "", to: prefix + "\u{0}"))
                #expect(found.entries.last?.keyText == prefix)
            }
        }

        @Test(arguments: EtcdVersion.all)
        func getSortsAndLimits(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                // The orders of creation, change, key and value all differ.
                for (name, value) in [("b", "1"), ("c", "3"), ("a", "2")] { try await client.put(prefix + name, value) }
                try await client.put(prefix + "c", "3")
                let sorts: [(target: GetOptions.SortTarget, order: GetOptions.Order, limit: Int?, names: [String])] = [
                    (.key, .ascending, nil, ["a", "b", "c"]),
                    (.key, .descending, nil, ["c", "b", "a"]),
                    (.createRevision, .ascending, nil, ["b", "c", "a"]),
                    (.modRevision, .descending, nil, ["c", "a", "b"]),
                    (.value, .ascending, nil, ["b", "a", "c"]),
                    (.version, .descending, 1, ["c"]),
                    (.key, .descending, 2, ["c", "b"]),
                ]
                for sort in sorts {
                    var options = GetOptions()
                    options.sort = sort.target
                    options.order = sort.order
                    options.limit = sort.limit
                    let found = try await client.get(.prefix(prefix), options)
                    #expect(found.entries.map(\.keyText) == sort.names.map { prefix + $0 })
                    #expect(found.count == 3)
                }
                let limited = try await client.get(.prefix(prefix), .with { $0.limit = 2 })
                #expect(limited.hasMore)
                #expect(limited.entries.count == 2)
                #expect(limited.count == 3)
                let all = try await client.get(.prefix(prefix), .with { $0.limit = 3 })
                #expect(!all.hasMore)
            }
        }

        @Test(arguments: EtcdVersion.all)
        func getFiltersByRevision(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                let first = try await client.put(prefix + "a", "").revision
                let second = try await client.put(prefix + "b", "").revision
                let third = try await client.put(prefix + "a", "").revision
                let choices: [(option: WritableKeyPath<GetOptions, Revision?>, revision: Revision, names: [String])] = [
                    (\.minModRevision, third, ["a"]),
                    (\.maxModRevision, second, ["b"]),
                    (\.minCreateRevision, second, ["b"]),
                    (\.maxCreateRevision, first, ["a"]),
                    (\.revision, first, ["a"]),
                    (\.revision, second, ["a", "b"]),
                ]
                for choice in choices {
                    var options = GetOptions()
                    options[keyPath: choice.option] = choice.revision
                    let found = try await client.get(.prefix(prefix), options)
                    #expect(found.entries.map(\.keyText) == choice.names.map { prefix + $0 })
                }
                let serializable = try await client.get(.prefix(prefix), .with { $0.isSerializable = true })
                #expect(serializable.entries.count == 2)
            }
        }

        @Test(arguments: EtcdVersion.all)
        func valuesMayBeLeftOut(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                try await client.put(prefix, "value")
                let entry = try await client.get(.key(prefix), .with { $0.keysOnly = true }).entries.first
                #expect(entry?.keyText == prefix)
                #expect(entry?.value == [])
                let listed = try await client.list(.prefix(prefix), keysOnly: true).entries
                #expect(listed.map(\.value) == [[]])
            }
        }

        @Test(arguments: EtcdVersion.all)
        func aListIsOfOneRevision(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                for number in 10..<35 { try await client.put(prefix + "\(number)", "") }
                // Writes between two pages must not be visible.
                let changes = try await version.withSharedClient { other, _ in
                    try await withThrowingTaskGroup(of: Int.self) { group in
                        group.addTask {
                            var count = 0
                            while !Task.isCancelled {
                                _ = try? await other.put(prefix + "10x\(count)", "")
                                count += 1
                            }
                            return count
                        }
                        for _ in 0..<10 {
                            let (entries, revision) = try await client.list(.prefix(prefix), pageSize: 7)
                            #expect(try #require(entries.map(\.modRevision).max()) <= revision)
                            let whole = try await client.get(.prefix(prefix), .with { $0.revision = revision })
                            #expect(entries == whole.entries)
                        }
                        group.cancelAll()
                        return try await group.next() ?? 0
                    }
                }
                #expect(changes > 0)
            }
        }

        @Test(arguments: EtcdVersion.all, [1, 3, 4, 1000])
        func listReadsAllPages(version: EtcdVersion, pageSize: Int) async throws {
            try await version.withSharedClient { client, prefix in
                for number in 10..<19 { try await client.put(prefix + "\(number)", "") }
                let listed = try await client.list(.prefix(prefix), pageSize: pageSize).entries
                #expect(listed.map(\.keyText) == (10..<19).map { prefix + "\($0)" })
                #expect(try await client.list(.key(prefix + "12"), pageSize: pageSize).entries.count == 1)
                #expect(try await client.list(.prefix(prefix + "x"), pageSize: pageSize).entries.isEmpty)
            }
        }

        // MARK: - What etcd refuses

        @Test(arguments: EtcdVersion.all)
        func aKeyIsNeeded(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, _ in
                let failure = await expectFailure { try await client.put("", "value") }
                #expect(failure?.code == .invalidArgument)
                #expect(failure?.message.contains("Put") == true)
                #expect(failure?.message.contains("key is not provided") == true)
                #expect(failure?.message.contains(client.endpoints[0].description) == true)
            }
        }

        /// Values above etcd's own limit (1.5 MiB) and above its gRPC limit (2 MiB).
        @Test(arguments: EtcdVersion.all, [1_600_000, 3_000_000])
        func aValueMayBeTooLarge(version: EtcdVersion, size: Int) async throws {
            try await version.withSharedClient { client, prefix in
                let value = [UInt8](repeating: 1, count: size)
                await expectFailure(.invalidArgument) { try await client.put(prefix, value) }
            }
        }

        @Test(arguments: EtcdVersion.all)
        func anAnswerMayBeTooLarge(version: EtcdVersion) async throws {
            try await version.withSharedClient {
                $0.maxMessageBytes = 100_000
            } _: { client, prefix in
                for number in 0..<2 { try await client.put(prefix + "\(number)", [UInt8](repeating: 1, count: 60_000)) }
                let failure = await expectFailure { _ = try await client.get(.prefix(prefix)) }
                #expect(failure?.code == .invalidArgument)
                #expect(failure?.message.contains("100000") == true)
                #expect(try await client.list(.prefix(prefix), pageSize: 1).entries.count == 2)
            }
        }

        @Test(arguments: EtcdVersion.all)
        func aRevisionMayLieInTheFuture(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                _ = await expectFailure(.futureRevision) { _ = try await client.get(prefix, revision: 1 << 40) }
            }
        }

        @Test(arguments: EtcdVersion.all)
        func aLeaseMayBeMissing(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                _ = await expectFailure(.leaseNotFound) { try await client.put(prefix, "", lease: 12345) }
            }
        }

        @Test(arguments: EtcdVersion.all)
        func concurrentCallsSucceed(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<500 {
                        group.addTask {
                            try await client.put(prefix + "\(number)", "\(number)")
                            #expect(try await client.get(prefix + "\(number)")?.valueText == "\(number)")
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(try await client.count(.prefix(prefix)) == 500)
            }
        }
    }
}
