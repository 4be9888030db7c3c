internal import ServiceKitConcurrency
private import Synchronization

/// Shares watches: for any number of followers of a service, the registry is watched once.
///
/// The first follower of a service starts the registry's watch. Others join it and have its latest snapshot at once. The
/// last follower ends it. A watch should not end by itself; if it does, it is started again.
public final class Discovery: Discoverer {
    /// The latest snapshot of one service, for its followers; nothing before the registry has answered.
    private typealias Feed = Watched<DiscoverySnapshot?>

    /// The watches that are shared now. Its methods are the transitions; they return the action to do outside of the lock.
    private struct Shared {
        struct Watch {
            let feed = Feed(nil)
            var followers = 0
            var task: Task<Void, Never>?
        }

        private var watches: [String: Watch] = [:]

        func feed(of service: String) -> Feed? { watches[service]?.feed }

        /// A follower of a service comes: it reads the feed. The first one starts the registry's watch.
        mutating func join(_ service: String) -> (feed: Feed, isFirst: Bool) {
            watches[service, default: Watch()].followers += 1
            let watch = watches[service, default: Watch()]
            return (watch.feed, watch.followers == 1)
        }

        /// The first follower, which is still there, has started the registry's watch.
        mutating func started(_ service: String, _ task: Task<Void, Never>) {
            watches[service]?.task = task
        }

        /// A follower of a service leaves. Returns the registry's watch if the caller must end it.
        mutating func leave(_ service: String) -> Task<Void, Never>? {
            watches[service]?.followers -= 1
            guard let watch = watches[service], watch.followers == 0 else { return nil }
            watches[service] = nil
            return watch.task
        }
    }

    /// How many watches of the registry there are.
    let watchCount = Watched(0)

    private let base: any Discoverer
    private let pause: @Sendable (Duration) async throws -> Void
    private let shared = Mutex(Shared())

    /// Shares the watches of a registry.
    public convenience init(_ base: any Discoverer) {
        self.init(base, clock: ContinuousClock())
    }

    init(_ base: any Discoverer, clock: some Clock<Duration>) {
        self.base = base
        pause = { try await clock.sleep(for: $0) }
    }

    /// The instances of a service now: as the shared watch knows them if it is live, else as the registry says.
    public func instances(of service: String) async throws -> InstanceSet {
        let feed = shared.withLock { $0.feed(of: service) }
        if let snapshot = feed?.value, snapshot.state.isLive { return snapshot.instances }
        return try await base.instances(of: service)
    }

    /// The names of all services, as the registry says; see ``Discoverer/services()``.
    public func services() async throws -> [String] {
        try await base.services()
    }

    /// Follows a service; see ``Discoverer/watch(_:)``.
    public func watch(_ service: String) -> DiscoveryUpdates {
        DiscoveryUpdates { [self] emit in
            let (feed, isFirst) = shared.withLock { $0.join(service) }
            if isFirst {
                // Unstructured, since it outlives the first follower: the last one ends and awaits it.
                let task = Task { [base, pause] in await Self.fill(feed, from: base, service, pause: pause) }
                shared.withLock { $0.started(service, task) }
                watchCount.update { $0 += 1 }
            }
            for await case let snapshot? in feed.values { emit(snapshot) }
            if let task = shared.withLock({ $0.leave(service) }) {
                task.cancel()
                await task.value
                watchCount.update { $0 -= 1 }
            }
        }
    }

    /// Watches the registry until the task is cancelled.
    private static func fill(
        _ feed: Feed,
        from base: any Discoverer,
        _ service: String,
        pause: @Sendable (Duration) async throws -> Void
    ) async {
        var backoff = Backoff()
        while !Task.isCancelled {
            for await snapshot in base.watch(service) {
                feed.set(snapshot)
                backoff.reset()
            }
            if Task.isCancelled { return }
            feed.update { snapshot in
                guard snapshot?.state.isLive ?? true else { return }
                let state = DiscoveryState.stale(since: .now, cause: "the registry's watch of \(service) ended")
                snapshot = DiscoverySnapshot(instances: snapshot?.instances ?? [], state: state)
            }
            try? await pause(backoff.next())
        }
    }
}
