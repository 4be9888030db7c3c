/// The changes of keys, as they happen.
///
/// ```swift
/// for try await update in client.watch(.prefix("jobs/")) {
///     guard case .events(let events) = update else { continue }
///     for event in events { print(event.kind, event.entry.keyText) }
/// }
/// ```
///
/// The sequence does not end when etcd goes away: it goes on where it was when etcd is back. It ends with an
/// ``EtcdError``: `compacted` when etcd no longer keeps what was missed, `storeReset` when the store is another one,
/// in both cases list anew or use ``EtcdClient/follow(_:decode:)``; `permissionDenied`; `closed`.
/// Each iterator is a watch of its own, which ends when the iterator is dropped or its task cancelled.
public struct Watch: AsyncSequence, Sendable {
    /// Changes, and what became of the watch.
    public typealias Element = WatchUpdate

    let hub: WatchHub
    let range: KeyRange
    let options: WatchOptions

    /// Starts to watch.
    public func makeAsyncIterator() -> Iterator {
        Iterator(subscription: hub.subscribe(range, options))
    }

    /// Reads the changes.
    public struct Iterator: AsyncIteratorProtocol {
        let subscription: WatchSubscription

        /// The next update; `nil` when the task is cancelled.
        ///
        /// - Throws: ``EtcdError``.
        public mutating func next() async throws -> WatchUpdate? {
            try await subscription.buffer.next()
        }
    }
}

/// Ends a watch when nobody reads it any more.
final class WatchSubscription: Sendable {
    let buffer: WatchBuffer
    private let end: @Sendable () -> Void

    init(buffer: WatchBuffer, end: @escaping @Sendable () -> Void) {
        self.buffer = buffer
        self.end = end
    }

    deinit {
        end()
    }
}

extension EtcdClient {
    /// Watches keys.
    ///
    /// All watches of a client share one stream.
    public func watch(_ range: KeyRange, _ options: WatchOptions = WatchOptions()) -> Watch {
        Watch(hub: hub, range: range, options: options)
    }
}
