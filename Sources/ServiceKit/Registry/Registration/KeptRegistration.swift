public import Logging

/// The registration that every backend hands out: keeps one ``RegistryEntry`` as its owner wants it.
///
/// ```swift
/// func register(_ instance: ServiceInstance) throws(RegistryError) -> any Registration {
///     try KeptRegistration(instance, in: PhonebookEntry(…), logger: logger)
/// }
/// ```
public final class KeptRegistration: Registration {
    private let keeper: RegistrationKeeper
    private let task: Task<Void, Never>

    /// Starts to register an instance in its entry. The logger gets attempts that fail, losses and operators' labels,
    /// with the instance's service and id. The clock is that of the pauses between attempts.
    ///
    /// - Throws: ``RegistryError`` with code `invalidInstance`.
    public init(
        _ instance: ServiceInstance,
        in entry: any RegistryEntry,
        logger: Logger,
        clock: any Clock<Duration> = ContinuousClock()
    ) throws(RegistryError) {
        try instance.validate()
        let keeper = RegistrationKeeper(instance, in: entry, logger: logger, clock: clock)
        self.keeper = keeper
        // Unstructured, since a registration lives as long as its owner wants: `release` ends and awaits it, and dropping the
        // registration ends it.
        task = Task { await keeper.run() }
    }

    deinit { task.cancel() }

    /// The wanted instance; see ``Registration/instance``.
    public var instance: ServiceInstance { keeper.kept.published }

    /// Whether the registry holds the instance; see ``Registration/state``.
    public var state: Watched<RegistrationState> { keeper.state }

    /// Replaces the instance; see ``Registration/update(_:)``.
    public func update(_ instance: ServiceInstance) async throws {
        try await keeper.update(instance)
    }

    /// Takes the instance out; see ``Registration/deregister()``.
    public func deregister() async throws {
        try await keeper.deregister()
    }

    /// Gives everything back; see ``Registration/release()``. It waits for the end also when its task is cancelled.
    public func release() async {
        keeper.requestRelease()
        await task.value
    }
}
