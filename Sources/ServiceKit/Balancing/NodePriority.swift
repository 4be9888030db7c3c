/// The order in which nodes are preferred: calls go to the nodes of the first priority that has any.
package enum NodePriority: Int, CaseIterable, Comparable, Sendable {
    /// Nodes in service.
    case regular
    /// Nodes of weight 0.
    case standby
    /// Nodes that an ``EjectionPolicy`` has ejected.
    case ejected

    /// The priority of an instance's node that is not ejected.
    package init(of instance: ServiceInstance) {
        self = instance.weight > 0 ? .regular : .standby
    }

    package static func < (left: NodePriority, right: NodePriority) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// A value for each priority.
package struct PerPriority<Value: Sendable>: Sendable {
    private var regular: Value
    private var standby: Value
    private var ejected: Value

    /// Makes the values.
    package init(_ make: (NodePriority) throws -> Value) rethrows {
        regular = try make(.regular)
        standby = try make(.standby)
        ejected = try make(.ejected)
    }

    package subscript(priority: NodePriority) -> Value {
        get {
            switch priority {
            case .regular: regular
            case .standby: standby
            case .ejected: ejected
            }
        }
        set {
            switch priority {
            case .regular: regular = newValue
            case .standby: standby = newValue
            case .ejected: ejected = newValue
            }
        }
    }
}
