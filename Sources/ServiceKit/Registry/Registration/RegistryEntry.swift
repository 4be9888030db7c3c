/// The entry of one instance in a registry, seen from its owner: the part of a registration that a backend brings.
///
/// ``KeptRegistration`` does the rest: it runs the attempts, pauses between them, sets the state and takes the owner's
/// requests. It calls ``write(_:)``, ``remove()`` and ``release()`` one at a time; only ``keep(_:)`` runs beside
/// ``write(_:)``. Each call is one attempt, ends within a limit, and ends soon when its task is cancelled.
public protocol RegistryEntry: Sendable {
    /// Writes the instance: creates the entry, or replaces this owner's in one step. An entry that this owner may have
    /// written in an attempt whose answer was lost is its own.
    ///
    /// - Parameter instance: The instance. Write its ``KeptInstance/published``.
    /// - Throws: ``RegistryError``: `alreadyRegistered` when somebody else holds the id, with `endsWithin` if that entry ends
    ///   unless its owner renews it; any other error. Anything else is taken for `unavailable`.
    func write(_ instance: KeptInstance) async throws

    /// Keeps the entry of ``write(_:)`` alive, and watches over it, until it is lost or the task is cancelled. By default
    /// it waits for the cancellation.
    ///
    /// - Parameter instance: The instance that the entry holds.
    /// - Throws: The loss: ``RegistryError`` with code `lost` when this entry alone is affected, so that it is put back at once;
    ///   `unavailable` when the registry was away, and all owners have entries to put back. Returning is a loss, too.
    func keep(_ instance: KeptInstance) async throws

    /// Removes the entry if it is this owner's. It may be called again.
    ///
    /// - Throws: ``RegistryError`` when the registry could not be told.
    func remove() async throws

    /// Removes the entry if it is this owner's, and gives back what carries it. It is the last call. By default it calls
    /// ``remove()``.
    ///
    /// - Throws: ``RegistryError`` when something is left that ends by itself later.
    func release() async throws
}

extension RegistryEntry {
    /// Waits for the cancellation of the task.
    public func keep(_ instance: KeptInstance) async throws {
        await untilCancelled()
    }

    /// Removes the entry.
    public func release() async throws {
        try await remove()
    }
}
