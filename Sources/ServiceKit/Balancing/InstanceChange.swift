/// A change of the instances of a service.
public struct InstanceChange: Hashable, Sendable {
    /// The instances that are gone. An instance that was not there counts for nothing.
    public var removed: [ServiceInstance]
    /// The instances that are new, and those whose endpoints or labels have changed. An instance takes the place of the
    /// earlier one with its id.
    public var added: [ServiceInstance]

    /// Creates a change.
    public init(removed: [ServiceInstance] = [], added: [ServiceInstance] = []) {
        self.removed = removed
        self.added = added
    }
}
