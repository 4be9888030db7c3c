#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

/// The state of a channel at one moment, for operators and tests.
public struct ChannelSnapshot: Codable, Hashable, Sendable {
    /// The name of the service that is called.
    public var service: String
    /// Whether calls can be made.
    public var connectivity: Connectivity
    /// Why calls cannot be made; `nil` when they can, and while it is not known.
    public var failure: String?
    /// The state of discovery.
    public var discovery: Discovery
    /// The instances that the registry names, or has named last, by their ids.
    public var instances: [ServiceInstance]
    /// The places that the channel connects to, by their instances' ids. An instance without a node is offline, has no
    /// endpoint for the channel, or is left out by a ``Subset``.
    public var nodes: [Node]
    /// The attempts of calls that have begun on these nodes and not ended.
    public var callsInFlight: Int
    /// The calls that wait for a node that is ready.
    public var callsWaiting: Int
    /// The methods whose circuit breakers refuse calls now.
    public var breakers: [BreakerSnapshot]
    /// The attempts that circuit breakers have refused, of methods or of all instances.
    public var refusedCalls: Int

    /// Creates a snapshot.
    public init(
        service: String,
        connectivity: Connectivity,
        failure: String? = nil,
        discovery: Discovery,
        instances: [ServiceInstance] = [],
        nodes: [Node] = [],
        callsWaiting: Int = 0,
        breakers: [BreakerSnapshot] = [],
        refusedCalls: Int = 0
    ) {
        self.service = service
        self.connectivity = connectivity
        self.failure = failure
        self.discovery = discovery
        self.instances = instances
        self.nodes = nodes
        callsInFlight = nodes.reduce(0) { $0 + $1.inFlight }
        self.callsWaiting = callsWaiting
        self.breakers = breakers
        self.refusedCalls = refusedCalls
    }

    /// The state of a channel or of a connection, as gRPC names them.
    public enum Connectivity: String, Codable, Sendable {
        /// Nothing was tried yet.
        case idle
        /// The registry is asked, or a connection is made.
        case connecting
        /// Calls can be made.
        case ready
        /// Calls cannot be made now; it is tried again.
        case transientFailure = "transient-failure"
        /// No calls can be made any more; those in flight end.
        case shutdown
    }

    /// The state of discovery: how far the registry stands behind the instances.
    public struct Discovery: Codable, Hashable, Sendable {
        /// Whether the registry stands behind the instances.
        public var state: State
        /// Since when the state is `stale`.
        public var staleSince: Date?
        /// Why the state is `stale`.
        public var cause: String?
        /// The time when the registry last named the instances; `nil` when it never did. A live registry reports
        /// changes only.
        public var lastContact: Date?

        /// Whether the registry stands behind the instances.
        public enum State: String, Codable, Sendable {
            /// The registry has not answered yet.
            case unknown
            /// The registry says so.
            case live
            /// The registry is away; the instances are the last that it named.
            case stale
        }

        /// Creates a description of a state, by default `unknown`.
        public init(
            _ state: State = .unknown, staleSince: Date? = nil, cause: String? = nil, lastContact: Date? = nil
        ) {
            self.state = state
            self.staleSince = staleSince
            self.cause = cause
            self.lastContact = lastContact
        }
    }

    /// A place that the channel connects to.
    public struct Node: Codable, Hashable, Sendable {
        /// The instance's id.
        public var id: String
        /// The endpoint that calls go to.
        public var endpoint: Endpoint
        /// The state of the connection.
        public var connectivity: Connectivity
        /// Why the last attempt to connect failed, or why the connection was lost; `nil` when it is ready.
        public var failure: String?
        /// Whether the balancer chooses from this node now: it is ready, and no node is preferred to it.
        public var isEligible: Bool
        /// The weight that balancers heed: the instance's, or less while the node starts slowly.
        public var weight: Int
        /// When the node is put back that an ``EjectionPolicy`` has ejected; `nil` when it is not ejected.
        public var ejectedUntil: Date?
        /// The attempts in flight.
        public var inFlight: Int
        /// The attempts that have begun.
        public var requests: UInt64
        /// The mean latency in seconds; 0 while unknown. See ``NodeStatistics``.
        public var latency: Double
        /// The mean success, from 0 to 1; 1 while unknown.
        public var success: Double
        /// The probability with which the circuit breaker of the instance refuses a call now, from 0 to 1.
        public var refusalProbability: Double

        /// Creates a description of a node.
        public init(
            _ node: ServiceKit.Node,
            _ connectivity: Connectivity,
            failure: String? = nil,
            isEligible: Bool = false,
            ejectedUntil: Date? = nil,
            refusalProbability: Double = 0
        ) {
            id = node.instance.id
            endpoint = node.endpoint
            weight = node.weight
            self.connectivity = connectivity
            self.failure = failure
            self.isEligible = isEligible
            self.ejectedUntil = ejectedUntil
            inFlight = node.statistics.inFlight
            requests = node.statistics.requests
            latency = node.statistics.latency / 1e9
            success = node.statistics.success
            self.refusalProbability = refusalProbability
        }
    }
}

extension Date {
    /// The time of day of an instant.
    package init(_ instant: ContinuousClock.Instant) {
        self = .now.addingTimeInterval((instant - .now) / .seconds(1))
    }
}
