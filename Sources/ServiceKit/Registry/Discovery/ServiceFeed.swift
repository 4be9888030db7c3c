internal import ServiceKitConcurrency
private import Synchronization

/// Takes a backend's news of a service, and tells the watchers.
///
/// ```swift
/// func watch(_ service: String) -> DiscoveryUpdates {
///     DiscoveryUpdates(of: service) { feed in
///         while !Task.isCancelled {
///             do {
///                 let list = try await client.list(service)
///                 feed.change { $0.replace(with: list) }
///             } catch {
///                 feed.change { $0.interrupted("\(error)") }
///             }
///             try? await Task.sleep(for: .seconds(1))
///         }
///     }
/// }
/// ```
public final class ServiceFeed: Sendable {
    private struct State {
        var view: ServiceView
        var isToldOnce = false
    }

    private let state: Mutex<State>
    private let emit: DiscoveryUpdates.Emitter
    private let expiryChanged = Signal()

    init(grace: Duration, emit: DiscoveryUpdates.Emitter) {
        state = Mutex(State(view: ServiceView(grace: grace)))
        self.emit = emit
    }

    /// The instances that the watchers were told last.
    var instances: InstanceSet { state.withLock(\.view.snapshot.instances) }

    /// Changes the view. If that changes the snapshot, the watchers are told, once for the whole change.
    public func change(_ body: (inout ServiceView) -> Void) {
        // Under the lock, so that snapshots are told in their order.
        let isExpiryChanged = state.withLock { state in
            let before = state.view
            body(&state.view)
            let snapshot = state.view.snapshot
            if !state.isToldOnce || snapshot != before.snapshot { emit(snapshot) }
            state.isToldOnce = true
            return state.view.missingUntil != before.missingUntil
        }
        if isExpiryChanged { expiryChanged.raise() }
    }

    /// Forgets missing instances when their time is over, until the task is cancelled.
    fileprivate func expire() async {
        while !Task.isCancelled {
            let time = state.withLock(\.view.missingUntil)
            await expiryChanged.wait(until: time)
            if let time, time <= .now { change { $0.expire(at: .now) } }
        }
    }
}

extension DiscoveryUpdates {
    /// Makes the sequence of a backend that may be away: the feed's ``ServiceView`` keeps the last instances known, and
    /// says that they are stale. Instances that are gone after an outage are kept, as stale, for the grace: as long as
    /// their owners may take to register again. An invalid name gives a watch that is stale from the start and stays
    /// so. See ``init(_:)``.
    public init(
        of service: String,
        grace: Duration = .seconds(10),
        feeding run: @escaping @Sendable (ServiceFeed) async -> Void
    ) {
        self.init(of: service) { emit in
            let feed = ServiceFeed(grace: grace, emit: emit)
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await feed.expire() }
                await run(feed)
                group.cancelAll()
            }
        }
    }
}
