/// The endpoint of an instance that a channel connects to.
package struct EndpointChoice: Hashable, Sendable {
    /// The schemes of endpoints that can be called, the best first.
    package let schemes: [String]

    /// Creates a choice among endpoints of some schemes, the best first.
    package init(schemes: [String]) {
        self.schemes = schemes
    }

    /// The endpoint to connect to; `nil` when an operator has taken the instance out of traffic, or when it has no
    /// endpoint of these schemes.
    package func endpoint(of instance: ServiceInstance) -> Endpoint? {
        instance.isOffline ? nil : instance.endpoint(schemes: schemes)
    }

    /// The nodes that calls to these instances go to when all are ready.
    package func nodes(of instances: some Sequence<ServiceInstance>) -> [Node] {
        let nodes = instances.compactMap { instance in
            endpoint(of: instance).map { Node(instance: instance, endpoint: $0) }
        }
        let best = nodes.map { NodePriority(of: $0.instance) }.min()
        return nodes.filter { NodePriority(of: $0.instance) == best }
    }
}
