/// Finds the instances of services.
public protocol Discoverer: Sendable {
    /// The instances of a service now.
    ///
    /// - Returns: An authoritative answer: an empty set says that there is none.
    /// - Throws: ``RegistryError`` when the registry cannot answer.
    func instances(of service: String) async throws -> InstanceSet

    /// Follows a service.
    ///
    /// The first element is the state found, every later one a change. Elements are whole states: a slow reader skips
    /// to the latest and never falls behind. The sequence does not fail: when the registry is away it says so by an
    /// element whose state is ``DiscoveryState/stale(since:cause:)`` with the last instances known, and goes on.
    /// A name that is not valid is reported in the same way.
    /// Watching ends, and everything it holds is freed, when the iterating task is cancelled or the iterator dropped.
    func watch(_ service: String) -> DiscoveryUpdates

    /// The names of all services that have an instance now, sorted.
    ///
    /// By default a registry cannot name them.
    /// - Throws: ``RegistryError``: `unsupported` when the registry cannot name its services.
    func services() async throws -> [String]
}

extension Discoverer {
    /// Refuses.
    ///
    /// - Throws: ``RegistryError`` with code `unsupported`.
    public func services() async throws -> [String] {
        throw RegistryError(
            code: .unsupported,
            message: "\(Self.self) cannot name the services it has; ask for one by its name"
        )
    }
}

/// The known instances of a service at one moment.
public struct DiscoverySnapshot: Hashable, Sendable {
    /// The instances: when ``state`` is stale, the last ones known.
    public var instances: InstanceSet
    /// Whether the registry stands behind this.
    public var state: DiscoveryState

    /// Creates a snapshot.
    public init(instances: InstanceSet, state: DiscoveryState) {
        self.instances = instances
        self.state = state
    }
}

/// Whether a snapshot is the registry's word or a memory of it.
public enum DiscoveryState: Hashable, Sendable {
    /// The registry says so. An empty set then means that there is no instance.
    case live
    /// The registry is away since then; the instances are the last ones known, none when it never answered.
    case stale(since: ContinuousClock.Instant, cause: String)

    /// Whether the registry stands behind the snapshot.
    public var isLive: Bool { self == .live }
}
