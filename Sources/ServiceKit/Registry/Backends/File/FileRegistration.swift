/// An instance in a file registry.
final class FileRegistration: Registration {
    private let keeper: InstanceKeeper
    private let task: Task<Void, Never>

    /// Keeps an instance that has just been registered.
    init(_ keeper: InstanceKeeper) {
        self.keeper = keeper
        // Unstructured, since a registration lives as long as its owner wants: ``release()`` ends and awaits it, and
        // dropping the registration ends it.
        task = Task { await keeper.run() }
    }

    deinit {
        task.cancel()
    }

    var instance: ServiceInstance { keeper.instance }

    var state: Watched<RegistrationState> { keeper.status }

    func update(_ instance: ServiceInstance) async throws {
        try await translating { try await keeper.update(instance) }
    }

    func deregister() async throws {
        try await translating { try await keeper.takeOut() }
    }

    func release() async {
        task.cancel()
        await task.value
    }
}

/// Gives callers of the registry its kind of error.
func translating<Result>(_ body: () async throws -> Result) async throws -> Result {
    do {
        return try await body()
    } catch let error as SystemError {
        throw error.registryError
    }
}
