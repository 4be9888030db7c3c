package import GRPCCore

/// Whether calls can be made on a channel.
package enum ConnectivityState: Sendable {
    /// The registry has not answered yet. The cause says why, when the registry is away.
    case resolving(cause: String?)
    /// Since then the registry says that there is no instance, or the channel may call none of its instances.
    case empty(since: ContinuousClock.Instant)
    /// Connections are being made.
    case connecting
    /// No connection could be made, since then.
    case transientFailure(RPCError, since: ContinuousClock.Instant)
    /// There is a node to pick.
    case ready
    /// The channel is shut down.
    case shutdown
}

/// The connectivity of a channel at one moment.
package struct Connectivity: Sendable {
    package var state = ConnectivityState.resolving(cause: nil)
    /// How many changes there were before: of the state, or of the nodes to pick.
    package var revision: UInt64 = 0
}
