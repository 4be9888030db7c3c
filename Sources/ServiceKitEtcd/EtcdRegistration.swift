internal import EtcdClient
internal import ServiceKit

/// An instance in an etcd registry.
final class EtcdRegistration: Registration {
    private let keeper: InstanceKeeper
    private let task: Task<Void, Never>

    /// Keeps an instance that has just been registered.
    init(_ keeper: InstanceKeeper, _ hold: InstanceKeeper.Hold) {
        self.keeper = keeper
        // Unstructured, since a registration lives as long as its owner wants: `release` ends and awaits it, and dropping
        // the registration ends it.
        task = Task { await keeper.run(hold) }
    }

    deinit {
        task.cancel()
    }

    var instance: ServiceInstance { keeper.instance }

    var state: Watched<RegistrationState> { keeper.status }

    func update(_ instance: ServiceInstance) async throws {
        try await keeper.update(instance)
    }

    func deregister() async throws {
        keeper.stop()
        task.cancel()
        await task.value
        try await keeper.takeOut()
    }

    func release() async {
        keeper.stop()
        task.cancel()
        await task.value
        // Unstructured, so that the lease is given back although this task may be cancelled. It ends with the client's
        // time limit for requests.
        await Task { [keeper] in await keeper.giveBack() }.value
    }
}
