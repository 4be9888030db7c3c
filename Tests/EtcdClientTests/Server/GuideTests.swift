import EtcdClient
import ServiceKitTesting
import Testing

/// The examples of the guide.
@Suite(.timeLimit(.minutes(3)), .enabled(if: EtcdServer.isAvailable()))
struct GuideTests {
    private func withClient(_ body: @Sendable (EtcdClient) async throws -> Void) async throws {
        try await EtcdServer.withServer { etcd in
            try await EtcdClient.withClient(EtcdConfig(endpoints: etcd.endpoints)) { client in
                try await body(client)
            }
        }
    }

    @Test func overview() async throws {
        try await withClient { client in
            try await client.put("greeting", "hello")
            let entry = try await client.get("greeting")
            #expect(entry?.valueText == "hello")
        }
    }

    @Test func watching() async throws {
        try await withClient { client in
            try await client.put("jobs/1", "first")
            for try await update in client.watch(.prefix("jobs/"), .with { $0.from = 1 }) {
                guard case .events(let events) = update else { continue }
                #expect(events.map(\.kind) == [.put])
                #expect(events.map(\.entry.keyText) == ["jobs/1"])
                break
            }
        }
    }

    @Test func following() async throws {
        try await withClient { client in
            try await client.put("jobs/1", "first")
            let follow = client.listAndWatch(.prefix("jobs/")) { $0.valueText }
            await confirmation { listed in
                await withTaskGroup(of: Void.self) { group in
                    let isListed = AsyncStream<Void>.makeStream()
                    group.addTask {
                        await follow.run { update in
                            guard case .snapshot(let jobs, _, _) = update else { return }
                            #expect(jobs.map(\.value) == ["first"])
                            listed()
                            isListed.continuation.finish()
                        }
                    }
                    for await _ in isListed.stream {}
                    group.cancelAll()
                }
            }
        }
    }

    @Test func leasesLocksAndElections() async throws {
        try await withClient { client in
            try await client.withSession(ttl: .seconds(10)) { session in
                try await session.withLock("locks/report") { lock in
                    // etcd refuses this if another session owns the lock by now.
                    _ = try await client.commit(Transaction(if: [lock.isOwner], then: [.put("report", "done")]))
                }
            }
            #expect(try await client.get("report")?.valueText == "done")
        }
    }

    // Compiled, and not run: it needs etcd at its usual port.
    private func connect() async throws {
        let config = try EtcdConfig(endpoints: ["http://127.0.0.1:2379"])
        try await EtcdClient.withClient(config) { client in
            let entry = try await client.get("greeting")
            print(entry?.valueText ?? "nothing")
        }
    }

    // Compiled, and not run: both have no end.
    private func watch(_ client: EtcdClient) async throws {
        for try await update in client.watch(.prefix("jobs/")) {
            guard case .events(let events) = update else { continue }
            for event in events { print(event.kind, event.entry.keyText) }
        }
    }

    private func listAndWatch(_ client: EtcdClient) async {
        await client.listAndWatch(.prefix("jobs/")) { $0.valueText }.run { update in
            switch update {
            case .snapshot(let jobs, _, _): print(jobs.count, "jobs")
            case .changes(let changes): print(changes.count, "changes")
            case .connected, .interrupted: break
            }
        }
    }
}
