internal import ServiceKitConcurrency

/// An update of ``ListWatch``: the keys, or the state of the connection.
public enum ListWatchUpdate<Value: Sendable>: Sendable {
    /// A change of one key.
    public enum Change: Sendable {
        /// The key has this value now.
        case put(Value, KeyValue)
        /// The key is gone.
        case removed(key: [UInt8])
    }

    /// All keys at one revision. A snapshot comes at the start, and again after missed changes. It replaces all earlier
    /// updates.
    case snapshot([(value: Value, entry: KeyValue)], revision: Revision, cause: SnapshotCause)
    /// The changes since the last update.
    case changes([Change])
    /// etcd can be reached, and the reader's state is up to date.
    case connected
    /// etcd cannot be reached; the reader's state may be old. ``ListWatch`` goes on by itself.
    case interrupted(EtcdError)
}

/// The reason for a snapshot.
public enum SnapshotCause: Sendable, Hashable {
    /// The snapshot is the first.
    case start
    /// etcd no longer keeps the missed changes.
    case compaction
    /// The store has lost its data, or is another one. The owners of the keys may soon write them again.
    case storeReset
}

/// Lists keys, and then watches their changes; see ``EtcdClient/listAndWatch(_:decode:)``. The name is that of the same
/// pattern in Kubernetes.
public struct ListWatch<Value: Sendable>: Sendable {
    let client: EtcdClient
    let range: KeyRange
    let decode: @Sendable (KeyValue) -> Value?

    /// Reports the keys until the task is cancelled or the client is shut down.
    ///
    /// It lists the keys at a revision and watches from the next revision on, so that no change is missing and none
    /// comes twice. A change costs one event, never a list. While etcd is away, it tries again without end.
    ///
    /// - Parameter handle: Gets all updates, one after the other.
    public func run(_ handle: (ListWatchUpdate<Value>) async -> Void) async {
        var backoff = Backoff()
        var cause = SnapshotCause.start
        while !Task.isCancelled {
            do throws(EtcdError) {
                let (entries, revision) = try await client.list(range)
                let values = entries.compactMap { entry in decode(entry).map { (value: $0, entry: entry) } }
                await handle(.snapshot(values, revision: revision, cause: cause))
                try await watch(from: revision + 1, &backoff, handle)
                return
            } catch {
                if Task.isCancelled { return }
                switch error.code {
                case .closed: return
                case .compacted: cause = .compaction
                case .storeReset: cause = .storeReset
                default: await handle(.interrupted(error))
                }
            }
            try? await Task.sleep(for: backoff.next())
        }
    }

    private func watch(
        from revision: Revision,
        _ backoff: inout Backoff,
        _ handle: (ListWatchUpdate<Value>) async -> Void
    ) async throws(EtcdError) {
        let watch = client.watch(range, .with { $0.from = revision })
        let iterator = watch.makeAsyncIterator()
        while let update = try await iterator.subscription.buffer.next() {
            switch update {
            case .events(let events):
                await handle(.changes(events.map(change)))
            case .connected:
                backoff.reset()
                await handle(.connected)
            case .interrupted(let error):
                await handle(.interrupted(error))
            case .progress:
                break
            }
        }
    }

    private func change(_ event: WatchEvent) -> ListWatchUpdate<Value>.Change {
        guard event.kind == .put, let value = decode(event.entry) else { return .removed(key: event.entry.key) }
        return .put(value, event.entry)
    }
}

extension EtcdClient {
    /// Lists keys, and then watches each change. `decode` makes a value of an entry; `nil` hides the entry, as if it
    /// did not exist.
    public func listAndWatch<Value: Sendable>(
        _ range: KeyRange,
        decode: @escaping @Sendable (KeyValue) -> Value?
    ) -> ListWatch<Value> {
        ListWatch(client: self, range: range, decode: decode)
    }
}
