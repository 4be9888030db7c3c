/// The order in which nodes are preferred: calls go to the nodes of the first priority that has any.
package enum NodePriority: Int, CaseIterable, Comparable, Sendable {
    /// Nodes in service; in the client's own zone, if that is preferred.
    case regular
    /// Nodes in service in other zones than the preferred one.
    case elsewhere
    /// Nodes of weight 0.
    case standby
    /// Nodes that an ``EjectionPolicy`` has ejected.
    case ejected

    /// The priority of an instance's node that is not ejected.
    ///
    /// - Parameters:
    ///   - instance: The instance.
    ///   - zone: The zone that is preferred; `nil` for none.
    package init(of instance: ServiceInstance, zone: String? = nil) {
        if instance.weight == 0 {
            self = .standby
        } else {
            self = zone == nil || instance.zone == zone ? .regular : .elsewhere
        }
    }

    package static func < (left: NodePriority, right: NodePriority) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// A value for each priority.
package struct PerPriority<Value: Sendable>: Sendable {
    private var regular: Value
    private var elsewhere: Value
    private var standby: Value
    private var ejected: Value

    /// Makes the values.
    package init(_ make: (NodePriority) throws -> Value) rethrows {
        regular = try make(.regular)
        elsewhere = try make(.elsewhere)
        standby = try make(.standby)
        ejected = try make(.ejected)
    }

    package subscript(priority: NodePriority) -> Value {
        get {
            switch priority {
            case .regular: regular
            case .elsewhere: elsewhere
            case .standby: standby
            case .ejected: ejected
            }
        }
        set {
            switch priority {
            case .regular: regular = newValue
            case .elsewhere: elsewhere = newValue
            case .standby: standby = newValue
            case .ejected: ejected = newValue
            }
        }
    }
}
