/// Puts instances into a registry.
public protocol Registrar: Sendable {
    /// Registers an instance and keeps it registered until the registration is given up.
    ///
    /// Returns once the registry holds the instance. From then on the registration owns everything that keeps it
    /// there: whatever is lost (a lease, the entry, the registry's memory) is put back without end.
    ///
    /// - Parameter instance: What to register; its id must not be registered by anyone else.
    /// - Returns: The registration, to update it, to watch its state, and to give it up.
    /// - Throws: ``RegistryError``.
    func register(_ instance: ServiceInstance) async throws -> any Registration
}

/// An instance in a registry, from ``Registrar/register(_:)`` to ``release()``.
///
/// A registration that is dropped without being given up frees what it holds, at the latest when the process ends.
public protocol Registration: Sendable {
    /// What is registered, or is to be again.
    var instance: ServiceInstance { get }

    /// Whether the registry holds the instance now, and every change of that.
    var state: Watched<RegistrationState> { get }

    /// Replaces what is registered; id and name must stay the same.
    ///
    /// Watchers see one change, never a gap.
    /// - Throws: ``RegistryError``.
    func update(_ instance: ServiceInstance) async throws

    /// Takes the instance out of the registry and keeps it out.
    ///
    /// When it returns, no look-up finds the instance. What carried the registration (a lease, say) stays until
    /// ``release()``. Calling it again does nothing.
    /// - Throws: ``RegistryError`` when the registry could not be told; it is out at the latest when ``release()`` or
    ///   the registry's own time limit has done its work.
    func deregister() async throws

    /// Gives back what carried the registration: lease, locks, tasks. Deregisters first when that was not done.
    func release() async
}

/// Whether a registry holds an instance.
public enum RegistrationState: Hashable, Sendable {
    /// The registry holds it.
    case registered
    /// The registry lost it or cannot be reached; it is being put back.
    case lost(cause: String)
    /// It was taken out on purpose.
    case deregistered
}
