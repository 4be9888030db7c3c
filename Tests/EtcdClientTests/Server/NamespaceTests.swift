import EtcdClient
import Testing

extension SharedServerTests {
    struct NamespaceTests {
        /// Runs a body with a client in a namespace, and with a client that sees all keys.
        private func withClients(
            _ version: EtcdVersion,
            _ body: @Sendable (_ inside: EtcdClient, _ outside: EtcdClient, _ namespace: String) async throws -> Void
        ) async throws {
            try await version.withSharedClient { outside, prefix in
                try await version.withSharedClient {
                    $0.namespace = prefix
                } _: { inside, _ in
                    try await body(inside, outside, prefix)
                }
            }
        }

        @Test(arguments: EtcdVersion.all)
        func keysAreWithinTheNamespace(version: EtcdVersion) async throws {
            try await withClients(version) { inside, outside, namespace in
                try await inside.put("a", "1")
                #expect(try await outside.get(namespace + "a")?.valueText == "1")
                #expect(try await inside.get("a")?.keyText == "a")
                #expect(try await inside.put("a", "2", returnsPrevious: true).previous?.keyText == "a")
                #expect(try await inside.delete("a"))
                #expect(try await outside.count(.prefix(namespace)) == 0)
            }
        }

        @Test(arguments: EtcdVersion.all)
        func rangesEndWithTheNamespace(version: EtcdVersion) async throws {
            try await withClients(version) { inside, outside, namespace in
                // Just before the namespace, just after it, and in it.
                let after = String(namespace.dropLast()) + "0"
                try await outside.put(String(namespace.dropLast()), "")
                try await outside.put(after, "")
                for key in ["a", "b", "c"] { try await inside.put(key, "") }
                #expect(try await inside.get(.all).entries.map(\.keyText) == ["a", "b", "c"])
                #expect(try await inside.get(.prefix("")).entries.map(\.keyText) == ["a", "b", "c"])
                #expect(try await inside.get(.from("b")).entries.map(\.keyText) == ["b", "c"])
                #expect(try await inside.list(.from("b"), pageSize: 1).entries.map(\.keyText) == ["b", "c"])
                #expect(try await inside.list(.all, pageSize: 1).entries.map(\.keyText) == ["a", "b", "c"])
                #expect(try await inside.delete(.all).count == 3)
                #expect(try await outside.get(after) != nil)
            }
        }

        @Test(arguments: EtcdVersion.all)
        func transactionsAreWithinTheNamespace(version: EtcdVersion) async throws {
            try await withClients(version) { inside, outside, namespace in
                try await outside.put(namespace + "c", "")
                let result = try await inside.commit(
                    Transaction(
                        if: [.isAbsent("a"), .isPresent("c")],
                        then: [
                            .put("a", "1"), .get(.key("a")),
                            .transaction(Transaction(if: [.isAbsent("b")], then: [.put("b", "2")])),
                            .delete(.key("c")),
                        ]
                    )
                )
                #expect(result.succeeded)
                guard case .get(let found) = result.outcomes[1] else {
                    Issue.record("this is no read: \(result.outcomes)")
                    return
                }
                #expect(found.entries.map(\.keyText) == ["a"])
                #expect(
                    try await outside.get(.prefix(namespace)).entries.map(\.keyText)
                        == [namespace + "a", namespace + "b"])
                #expect(result.outcomes.last == .delete(count: 1))
            }
        }

        @Test(arguments: EtcdVersion.all)
        func watchesAndLeasesAreWithinTheNamespace(version: EtcdVersion) async throws {
            try await withClients(version) { inside, outside, namespace in
                var watch = inside.watch(.all, .with { $0.returnsPrevious = true }).makeAsyncIterator()
                try await watch.connected()
                try await outside.put(String(namespace.dropLast()) + "0", "outside")
                let lease = try await inside.grantLease(ttl: .seconds(60))
                try await inside.put("a", "1", lease: lease.id)
                #expect(try await inside.leaseDetails(lease.id, withKeys: true).keys == ["a".etcdBytes])
                #expect(try await watch.events().map(\.summary) == ["put a=1"])
                try await inside.revokeLease(lease.id)
                let deletion = try #require(try await watch.events().first)
                #expect(deletion.summary == "delete a")
                #expect(deletion.previous?.keyText == "a")
            }
        }

        @Test(arguments: EtcdVersion.all)
        func locksAreWithinTheNamespace(version: EtcdVersion) async throws {
            try await withClients(version) { inside, outside, namespace in
                try await inside.withSession { session in
                    try await session.withLock("job") { lock in
                        #expect(lock.key.hasPrefix("job/"))
                        let entry = try await outside.get(namespace + lock.key)
                        #expect(entry?.lease == session.lease.id)
                        let fenced = try await inside.commit(Transaction(if: [lock.isOwner], then: [.put("a", "")]))
                        #expect(fenced.succeeded)
                    }
                }
            }
        }
    }
}
