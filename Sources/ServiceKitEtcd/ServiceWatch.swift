internal import EtcdClient
internal import ServiceKit
internal import ServiceKitConcurrency
internal import Synchronization

/// Follows one service: a list, then one event for each change.
struct ServiceWatch: Sendable {
    let client: EtcdClient
    let reader: InstanceReader
    let ttl: Duration
    let emit: DiscoveryUpdates.Emitter

    /// Follows until the task is cancelled.
    func run() async {
        let view = SharedView(ServiceView(ttl: ttl), emit: emit)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await view.expire() }
            await client.listAndWatch(reader.range, decode: reader.read).run { update in
                apply(update, to: view)
            }
            group.cancelAll()
        }
    }

    private func apply(_ update: ListWatchUpdate<ServiceInstance>, to view: SharedView) {
        switch update {
        case .snapshot(let entries, _, let cause):
            view.change { $0.replace(with: entries.map(\.value), cause, at: .now) }
        case .changes(let changes):
            view.change { view in
                for change in changes {
                    switch change {
                    case .put(let instance, _): view.update(instance)
                    case .removed(let key): if let id = reader.id(in: key) { view.remove(id: id, at: .now) }
                    }
                }
            }
        case .connected:
            view.change { $0.connected(at: .now) }
        case .interrupted(let error):
            view.change { $0.interrupted(error.message, at: .now) }
        }
    }
}

/// The view of a service, which changes when etcd says something and when time has passed.
private final class SharedView: Sendable {
    private let view: Mutex<ServiceView>
    private let emit: DiscoveryUpdates.Emitter
    private let forExpiry = Signal()

    init(_ view: ServiceView, emit: DiscoveryUpdates.Emitter) {
        self.view = Mutex(view)
        self.emit = emit
    }

    func change(_ body: (inout ServiceView) -> Void) {
        // Under the lock, so that states are told in their order.
        view.withLock { view in
            let wasWaiting = view.missingUntil
            let before = view.snapshot
            body(&view)
            let after = view.snapshot
            if after != before || isFirst.exchange(false, ordering: .relaxed) { emit(after) }
            if view.missingUntil != wasWaiting { forExpiry.raise() }
        }
    }

    private let isFirst = Atomic(true)

    func expire() async {
        while !Task.isCancelled {
            await forExpiry.wait(until: view.withLock(\.missingUntil))
            if view.withLock(\.missingUntil).map({ $0 <= .now }) ?? false { change { $0.expire(at: .now) } }
        }
    }
}
