import HashTreeCollections

/// The instances of a service, by id.
///
/// A persistent map: a copy costs O(1), an update O(log n), and the difference of two sets of which one was made from
/// the other O(changes), whatever their size. So a watcher can hand whole states around.
public struct InstanceSet: Hashable, Sendable {
    private var map = PersistentMap<ServiceInstance>()

    /// The empty set.
    public init() {}

    /// A set of instances; of two with one id the later counts.
    public init(_ instances: some Sequence<ServiceInstance>) {
        for instance in instances { update(instance) }
    }

    /// How many instances there are.
    public var count: Int { map.byID.count }

    /// Whether there is none.
    public var isEmpty: Bool { map.byID.isEmpty }

    /// The instance with an id.
    public subscript(id: String) -> ServiceInstance? { map.byID[id] }

    /// Adds an instance or replaces the one with its id, which is returned.
    @discardableResult
    public mutating func update(_ instance: ServiceInstance) -> ServiceInstance? {
        map.update(instance)
    }

    /// Removes the instance with an id, which is returned.
    @discardableResult
    public mutating func remove(id: String) -> ServiceInstance? {
        map.remove(id: id)
    }

    /// Makes the set hold just these instances, of a list read anew. Unchanged ones stay in place: the difference to
    /// the set before still costs O(changes).
    public mutating func replace(with instances: some Sequence<ServiceInstance>) {
        map.replace(with: instances)
    }

    /// The changes since another state of the set.
    public func changes(since old: InstanceSet) -> Changes {
        let changes = map.changes(since: old.map)
        return Changes(added: changes.added, updated: changes.updated, removed: changes.removed)
    }

    /// The difference of two sets, in no particular order.
    public struct Changes: Hashable, Sendable {
        /// Instances that are new.
        public var added: [ServiceInstance] = []
        /// Instances that were there with other contents, as they are now.
        public var updated: [ServiceInstance] = []
        /// Instances that are gone, as they were.
        public var removed: [ServiceInstance] = []

        /// Whether nothing changed.
        public var isEmpty: Bool { added.isEmpty && updated.isEmpty && removed.isEmpty }
    }
}

extension InstanceSet: Sequence {
    /// The instances, in no particular order.
    public func makeIterator() -> some IteratorProtocol<ServiceInstance> {
        map.byID.values.makeIterator()
    }
}

extension InstanceSet: ExpressibleByArrayLiteral {
    /// A set of the instances listed.
    public init(arrayLiteral instances: ServiceInstance...) {
        self.init(instances)
    }
}

extension InstanceSet: CustomStringConvertible {
    /// The ids, sorted.
    public var description: String { "[" + map.byID.keys.sorted().joined(separator: ", ") + "]" }
}
