internal import GRPCCore

/// The outlook of a call that finds no node.
enum Availability: Sendable {
    /// The registry has not answered yet; with what it says when it is away.
    case resolving(cause: String?)
    /// The registry says that there is no instance, since then.
    case empty(since: ContinuousClock.Instant)
    /// Connections are being made.
    case connecting
    /// No connection could be made, since then.
    case failing(RPCError, since: ContinuousClock.Instant)
    /// There is a node to pick.
    case ready
    /// The channel is shut down.
    case closed
}

/// An availability as it was at one time.
struct Outlook: Sendable {
    var availability = Availability.resolving(cause: nil)
    /// How many changes there were before: of the availability, or of the nodes to pick.
    var revision: UInt64 = 0
}
