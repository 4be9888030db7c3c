internal import ServiceKitConcurrency

/// What is known of the keys that are followed, or what became of it.
public enum FollowUpdate<Value: Sendable>: Sendable {
    /// What happened to a key.
    public enum Change: Sendable {
        /// It has this value now.
        case put(Value, KeyValue)
        /// It is gone.
        case removed(key: [UInt8])
    }

    /// All that there is, as of a revision. It is told at the start, and again when changes were missed: it takes the
    /// place of all that was told before.
    case snapshot([(value: Value, entry: KeyValue)], revision: Revision, cause: SnapshotCause)
    /// What has changed since.
    case changes([Change])
    /// etcd can be reached, and what was told is up to date.
    case connected
    /// etcd cannot be reached; what was told may be out of date. It goes on by itself.
    case interrupted(EtcdError)
}

/// Why a snapshot is told.
public enum SnapshotCause: Sendable, Hashable {
    /// It is the first.
    case start
    /// etcd no longer keeps the changes that were missed.
    case compaction
    /// The store has lost its data, or is another one: whoever writes these keys may be about to write them again.
    case storeReset
}

/// Keys as they are, and then their changes; see ``EtcdClient/follow(_:decode:)``.
public struct Follow<Value: Sendable>: Sendable {
    let client: EtcdClient
    let range: KeyRange
    let decode: @Sendable (KeyValue) -> Value?

    /// Follows the keys until the task is cancelled or the client is shut down.
    ///
    /// It lists them at a revision and watches from the next one on, so that nothing is missed and nothing comes twice.
    /// A change costs one event, never a list. While etcd is away it tries again for ever.
    ///
    /// - Parameter handle: Told of everything, one after the other.
    public func run(_ handle: (FollowUpdate<Value>) async -> Void) async {
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
        _ handle: (FollowUpdate<Value>) async -> Void
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

    private func change(_ event: WatchEvent) -> FollowUpdate<Value>.Change {
        guard event.kind == .put, let value = decode(event.entry) else { return .removed(key: event.entry.key) }
        return .put(value, event.entry)
    }
}

extension EtcdClient {
    /// Follows keys: what they are, and then each change.
    ///
    /// - Parameters:
    ///   - range: The keys.
    ///   - decode: Makes a value of an entry; `nil` for one that is to be ignored, as if it were not there.
    public func follow<Value: Sendable>(
        _ range: KeyRange,
        decode: @escaping @Sendable (KeyValue) -> Value?
    ) -> Follow<Value> {
        Follow(client: self, range: range, decode: decode)
    }
}
