import ServiceKit
import Synchronization

@testable import EtcdClient

/// The updates of a list-and-watch of keys with numbers as values, as text.
struct Follower: Sendable {
    private let told = Watched<[String]>([])
    private let latest = Watched<Revision?>(nil)

    /// All updates so far.
    var updates: [String] { told.value }

    /// The revision of the latest snapshot.
    var revision: Revision? { latest.value }

    /// Waits until the updates, without the prefix of the keys, satisfy a condition.
    ///
    /// - Returns: All updates so far.
    func first(where condition: (Set<Substring>) -> Bool) async -> [String]? {
        await told.first { updates in
            condition(Set(updates.flatMap { [$0[...]] + [$0.split(separator: "/").last ?? ""] }))
        }
    }

    fileprivate func take(_ update: ListWatchUpdate<Int>) {
        switch update {
        case .snapshot(let entries, let revision, let cause):
            latest.set(revision)
            add((["snapshot \(cause):"] + entries.map { "\($0.entry.keyText)=\($0.value)" }).joined(separator: " "))
        case .changes(let changes):
            for change in changes {
                switch change {
                case .put(let value, let entry): add("\(entry.keyText)=\(value)")
                case .removed(let key): add("\(String(decoding: key, as: UTF8.self)) removed")
                }
            }
        case .connected: add("connected")
        case .interrupted: add("interrupted")
        }
    }

    private func add(_ text: String) { told.update { $0.append(text) } }
}

extension EtcdClient {
    /// Lists and watches keys with numbers as values while a body runs.
    func following(_ range: KeyRange, _ body: (Follower) async throws -> Void) async throws {
        let follower = Follower()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await self.listAndWatch(range) { Int($0.valueText) }.run { follower.take($0) }
            }
            defer { group.cancelAll() }
            try await body(follower)
        }
    }
}
