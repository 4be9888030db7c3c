import EtcdClient
import Testing

extension SharedServerTests {
    struct TransactionTests {
        @Test(arguments: EtcdVersion.all)
        func eitherOneListIsCarriedOutOrTheOther(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                let transaction = Transaction(
                    if: [.isAbsent(prefix)],
                    then: [.put(prefix, "mine")],
                    else: [.get(.key(prefix)), .put(prefix + "missed", "")]
                )
                let first = try await client.commit(transaction)
                #expect(first.succeeded)
                #expect(first.outcomes == [.put])
                #expect(try await client.get(prefix)?.modRevision == first.revision)
                let second = try await client.commit(transaction)
                #expect(!second.succeeded)
                guard case .get(let found)? = second.outcomes.first else {
                    Issue.record("this is no read: \(second.outcomes)")
                    return
                }
                #expect(found.entries.map(\.valueText) == ["mine"])
                #expect(second.outcomes.last == .put)
                #expect(try await client.get(prefix + "missed") != nil)
            }
        }

        @Test(arguments: EtcdVersion.all)
        func transactionSucceedsOnlyIfAllConditionsHold(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                let both = try await client.commit(Transaction(if: [.isAbsent(prefix), .isPresent(prefix)], then: []))
                #expect(!both.succeeded)
                let none = try await client.commit(Transaction(then: []))
                #expect(none.succeeded)
            }
        }

        /// The key was written at revision `created`, and a third time at `changed`.
        @Test(arguments: EtcdVersion.all)
        func everyKindOfConditionIsCompared(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                let lease = try await client.grantLease(ttl: .seconds(60)).id
                let key = prefix + "k"
                let created = try await client.put(key, "a").revision
                try await client.put(key, "b")
                let changed = try await client.put(key, "m", lease: lease).revision
                let absent = prefix + "absent"
                let holding: [Transaction.Condition] = [
                    .isPresent(key), .isAbsent(absent),
                    .version(of: key, .equal, 3), .version(of: key, .notEqual, 2), .version(of: key, .greater, 2),
                    .version(of: key, .less, 4), .version(of: absent, .equal, 0),
                    .createRevision(of: key, .equal, created), .createRevision(of: key, .notEqual, changed),
                    .createRevision(of: key, .greater, created - 1), .createRevision(of: key, .less, changed),
                    .createRevision(of: absent, .equal, 0),
                    .modRevision(of: key, .equal, changed), .modRevision(of: key, .notEqual, created),
                    .modRevision(of: key, .greater, created), .modRevision(of: key, .less, changed + 1),
                    .value(of: key, .equal, "m"), .value(of: key, .notEqual, "a"), .value(of: key, .greater, "l"),
                    .value(of: key, .less, "n"),
                    .lease(of: key, .equal, lease), .lease(of: key, .notEqual, 0), .lease(of: key, .greater, 0),
                ]
                let failing: [Transaction.Condition] = [
                    .isPresent(absent), .isAbsent(key),
                    .version(of: key, .equal, 2), .version(of: key, .notEqual, 3), .version(of: key, .greater, 3),
                    .version(of: key, .less, 3), .version(of: absent, .greater, 0),
                    .createRevision(of: key, .equal, changed), .createRevision(of: key, .notEqual, created),
                    .createRevision(of: key, .greater, created), .createRevision(of: key, .less, created),
                    .modRevision(of: key, .equal, created), .modRevision(of: key, .notEqual, changed),
                    .modRevision(of: key, .greater, changed), .modRevision(of: key, .less, changed),
                    .value(of: key, .equal, "a"), .value(of: key, .notEqual, "m"), .value(of: key, .greater, "m"),
                    .value(of: key, .less, "m"), .value(of: absent, .equal, ""), .value(of: absent, .notEqual, "x"),
                    .lease(of: key, .equal, 0), .lease(of: key, .notEqual, lease), .lease(of: key, .less, 1),
                ]
                for (conditions, holds) in [(holding, true), (failing, false)] {
                    for condition in conditions {
                        let result = try await client.commit(Transaction(if: [condition], then: []))
                        #expect(result.succeeded == holds, "\(condition)")
                    }
                }
            }
        }

        @Test(arguments: EtcdVersion.all)
        func everyOperationHasAnOutcome(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                for number in 0..<3 { try await client.put(prefix + "old/\(number)", "") }
                let lease = try await client.grantLease(ttl: .seconds(60)).id
                let result = try await client.commit(
                    Transaction(then: [
                        .put(prefix + "new", "1", lease: lease),
                        .delete(.prefix(prefix + "old/")),
                        .get(.prefix(prefix), .with { $0.keysOnly = true }),
                    ])
                )
                #expect(result.outcomes.count == 3)
                #expect(result.outcomes[0] == .put)
                #expect(result.outcomes[1] == .delete(count: 3))
                guard case .get(let found) = result.outcomes[2] else {
                    Issue.record("this is no read: \(result.outcomes)")
                    return
                }
                #expect(found.entries.map(\.keyText) == [prefix + "new"])
                #expect(found.entries.map(\.lease) == [lease])
                #expect(found.entries.map(\.modRevision) == [result.revision])
            }
        }

        @Test(arguments: EtcdVersion.all)
        func transactionsAreNested(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                let inner = Transaction(
                    if: [.value(of: prefix + "a", .equal, "1")],
                    then: [.put(prefix + "b", "then")],
                    else: [.put(prefix + "b", "else"), .delete(.key(prefix + "nothing"))]
                )
                let outer = Transaction(if: [.isAbsent(prefix + "x")], then: [.transaction(inner)])
                let first = try await client.commit(outer)
                #expect(first.succeeded)
                guard case .transaction(let nested)? = first.outcomes.first else {
                    Issue.record("this is no transaction: \(first.outcomes)")
                    return
                }
                #expect(!nested.succeeded)
                #expect(nested.outcomes == [.put, .delete(count: 0)])
                #expect(try await client.get(prefix + "b")?.valueText == "else")
                try await client.put(prefix + "a", "1")
                _ = try await client.commit(outer)
                #expect(try await client.get(prefix + "b")?.valueText == "then")
            }
        }

        /// Each client adds one to a number if no other has changed it. A lost update shows in the sum.
        @Test(arguments: EtcdVersion.all)
        func concurrentCompareAndSwapsLoseNoUpdate(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                try await client.put(prefix, "0")
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<8 {
                        group.addTask {
                            for _ in 0..<5 {
                                var isDone = false
                                while !isDone {
                                    let entry = try #require(try await client.get(prefix))
                                    let next = try #require(Int(entry.valueText)) + 1
                                    isDone = try await client.commit(
                                        Transaction(
                                            if: [.modRevision(of: prefix, .equal, entry.modRevision)],
                                            then: [.put(prefix, "\(next)")]
                                        )
                                    ).succeeded
                                }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(try await client.get(prefix)?.valueText == "40")
            }
        }

        @Test(arguments: EtcdVersion.all)
        func refusedTransactionThrowsInvalidArgument(version: EtcdVersion) async throws {
            try await version.withSharedClient { client, prefix in
                let twice = Transaction(then: [.put(prefix, "1"), .put(prefix, "2")])
                let failure = await expectFailure { _ = try await client.commit(twice) }
                #expect(failure?.code == .invalidArgument)
                #expect(failure?.message.contains("duplicate key") == true)
                let many = Transaction(then: (0..<200).map { .put(prefix + "\($0)", "") })
                await expectFailure(.invalidArgument) { _ = try await client.commit(many) }
            }
        }
    }
}
