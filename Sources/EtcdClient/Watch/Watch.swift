/// The changes of keys, as they happen.
///
/// ```swift
/// for try await update in client.watch(.prefix("jobs/")) {
///     guard case .events(let events) = update else { continue }
///     for event in events { print(event.kind, event.entry.keyText) }
/// }
/// ```
///
/// The sequence does not end when etcd goes away: it resumes at the same place when etcd is back. It ends with an
/// ``EtcdError``:
///
/// - `compacted`: etcd no longer keeps the changes that were missed. List again, or use
///   ``EtcdClient/listAndWatch(_:decode:)``.
/// - `storeReset`: the store is another one. List again, as above.
/// - `permissionDenied`, or `closed`.
///
/// Each iterator is a watch of its own. The watch ends when the iterator is dropped or its task is cancelled.
public struct Watch: AsyncSequence, Sendable {
    /// Changes, and the state of the watch.
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

/// Ends a watch when it has no reader any more.
final class WatchSubscription: Sendable {
    let buffer: WatchBuffer
    private let end: @Sendable () -> Void

    init(buffer: WatchBuffer, end: @escaping @Sendable () -> Void) {
        self.buffer = buffer
        self.end = end
    }

    deinit { end() }
}

extension EtcdClient {
    /// Watches keys. All watches of a client share one stream.
    public func watch(_ range: KeyRange, _ options: WatchOptions = WatchOptions()) -> Watch {
        Watch(hub: hub, range: range, options: options)
    }
}
