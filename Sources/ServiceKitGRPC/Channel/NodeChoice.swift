package import ServiceKit

/// Which instances a channel connects to, and at which of their endpoints.
package struct NodeChoice: Hashable, Sendable {
    /// The schemes of endpoints that may be connected to, the best first.
    package let schemes: [String]

    /// Creates a choice among endpoints of some schemes, the best first.
    package init(schemes: [String]) {
        self.schemes = schemes
    }

    /// The endpoint of an instance to connect to; `nil` for one that an operator has taken out of traffic, and for one
    /// that has none.
    package func endpoint(of instance: ServiceInstance) -> Endpoint? {
        instance.isOffline ? nil : instance.endpoint(schemes: schemes)
    }

    /// The nodes that calls to these instances may go to when all can be reached: those with weight, as the balancers of
    /// the kit have it.
    package func nodes(of instances: some Sequence<ServiceInstance>) -> [Node] {
        Node.withWeight(
            instances.compactMap { instance in
                endpoint(of: instance).map { Node(instance: instance, endpoint: $0) }
            }
        )
    }
}

extension ClientTLSOptions {
    /// The choice of a channel with these options.
    package var nodeChoice: NodeChoice {
        NodeChoice(schemes: self == ClientTLSOptions() ? ["grpcs", "grpc"] : ["grpcs"])
    }
}
