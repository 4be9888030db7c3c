/// Puts instances into a registry.
public protocol Registrar: Sendable {
    /// Registers an instance, and keeps it registered until the registration is given up.
    ///
    /// It returns at once, before the registry knows the instance: ``Registration/state`` says when it does, and
    /// ``Registration/waitUntilRegistered()`` waits for that. A registry that is away, or that has no connection yet because
    /// ``Registry/run()`` comes later, is tried again.
    ///
    /// - Parameter instance: The instance; nobody else may have registered its id.
    /// - Returns: The registration, to update it, to watch its state, and to give it up.
    /// - Throws: ``RegistryError`` with code ``RegistryError/Code/invalidInstance`` when a name in the instance is not valid.
    func register(_ instance: ServiceInstance) throws(RegistryError) -> any Registration
}

/// An instance in a registry, from ``Registrar/register(_:)`` to ``release()``.
///
/// The registration owns everything that keeps the instance in the registry. When the first attempt fails, or the
/// registry loses a lease, the entry or all its data, the registration tries again for ever, with growing pauses and full
/// jitter. A registration that is dropped without a release is taken out.
public protocol Registration: Sendable {
    /// The wanted instance: the last one given to ``update(_:)``, with the labels that operators have changed. The registry
    /// holds it while ``state`` is ``RegistrationState/registered``.
    var instance: ServiceInstance { get }

    /// Whether the registry holds the instance now, and every change of that. The sequence of its values ends with
    /// ``RegistrationState/deregistered`` when ``release()`` has done its work.
    var state: Watched<RegistrationState> { get }

    /// Replaces the instance; id and name must stay the same. Watchers see one change, never a gap.
    ///
    /// It returns when the registry holds the new instance. If it throws the registry's failure, the update is not undone:
    /// the registration writes it as soon as the registry takes it, and `state` says when.
    /// - Throws: ``RegistryError``: `invalidInstance`, and `unsupported` after ``deregister()`` or ``release()``, which change
    ///   nothing; any other code when the registry does not hold the new instance yet. `CancellationError` when the calling
    ///   task is cancelled; the update stays.
    func update(_ instance: ServiceInstance) async throws

    /// Takes the instance out of the registry and keeps it out.
    ///
    /// When it returns, no look-up finds the instance. The carrier of the registration (a lease, say) stays until
    /// ``release()``. It may be called again.
    /// - Throws: ``RegistryError`` when the registry could not be told; the instance is out at the latest when ``release()``
    ///   or the registry's own time limit has done its work.
    func deregister() async throws

    /// Gives back the carriers of the registration: lease, locks, tasks. Deregisters first when that was not done.
    func release() async
}

extension Registration {
    /// Waits until the registry holds the instance.
    ///
    /// It waits as long as trying again can help, also for the end of an entry whose owner has crashed. Cancel the task to
    /// wait no longer. The registration goes on trying in any case; ``release()`` ends that.
    /// - Throws: ``RegistryError`` that is permanent; see ``RegistryError/isPermanent``. `CancellationError` when the task is
    ///   cancelled, or the registration given up.
    public func waitUntilRegistered() async throws {
        for await state in state.values {
            switch state {
            case .registered: return
            case .registering(let cause?) where cause.isPermanent: throw cause
            case .lost(let cause) where cause.isPermanent: throw cause
            case .registering, .lost: continue
            case .deregistered: throw CancellationError()
            }
        }
        throw CancellationError()
    }
}

/// Whether a registry holds an instance. These transitions are legal:
///
/// ```
/// registering ──► registered ◄──► lost
///      │               │           │
///      └───────────────┴───────────┴──► deregistered
/// ```
///
/// `registering` and `lost` follow themselves with another cause. Nothing follows `deregistered`.
public enum RegistrationState: Hashable, Sendable {
    /// The registry has not taken it yet: nothing has failed so far, or the last attempt failed because of this.
    case registering(cause: RegistryError?)
    /// The registry holds it.
    case registered
    /// The registry held it and does not any more, or may not; it is being put back.
    case lost(cause: RegistryError)
    /// It was taken out on purpose.
    case deregistered

    /// Why the registry does not hold it, as far as that is known.
    public var cause: RegistryError? {
        switch self {
        case .registering(let cause): cause
        case .lost(let cause): cause
        case .registered, .deregistered: nil
        }
    }
}
