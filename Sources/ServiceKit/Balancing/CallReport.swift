/// Learns how each attempt of a channel's calls went.
public protocol CallObserver: Sendable {
    /// Learns how an attempt went. Called once for each attempt, on the task that ends the attempt: it must not block.
    func ended(_ report: CallReport)
}

extension CallObserver {
    /// Learns nothing.
    public func ended(_ report: CallReport) {}
}

/// How one attempt of a call went on one node.
public struct CallReport: Sendable {
    /// The node.
    public var node: Node
    /// The called operation: `/user.v1.UserService/GetUser`.
    public var operation: String
    /// The attempt's number; the first is 1.
    public var attempt: Int
    /// The error's code; `nil` when the call succeeded.
    public var code: ServiceError.Code?
    /// The status of the answer, which may say more than ``code``.
    package var status: CallStatus
    /// The time from the pick to the end, in nanoseconds.
    public var latency: UInt64
    /// The trailers of the answer; empty when there was none.
    public var trailers: CallMetadata
    /// The load that the node has reported in the trailers.
    public var load: LoadReport?
    /// Whether the node may have begun to process the call.
    public var wasSent: Bool
    /// The judgement of the node.
    public var outcome: CallOutcome

    /// Creates a report.
    public init(
        node: Node,
        operation: String,
        attempt: Int = 1,
        code: ServiceError.Code? = nil,
        latency: UInt64 = 0,
        trailers: CallMetadata = [:],
        load: LoadReport? = nil,
        wasSent: Bool = true,
        outcome: CallOutcome
    ) {
        self.node = node
        self.operation = operation
        self.attempt = attempt
        self.code = code
        status = code.map { CallStatus($0) } ?? .ok
        self.latency = latency
        self.trailers = trailers
        self.load = load
        self.wasSent = wasSent
        self.outcome = outcome
    }
}

/// The judgement of a node by one call.
public enum CallOutcome: Sendable {
    /// The node answered, even if with an error that the caller has caused.
    case success
    /// The node could not be reached, was too slow, or has failed itself: the statuses of gRPC `unavailable`,
    /// `deadlineExceeded`, `internal`, `unknown`, `dataLoss`, and `resourceExhausted` if no limit of the kit says so.
    ///
    /// A node that fails at once answers faster than all others. So each status that tells of a failure counts as one: else the
    /// node would attract all calls.
    case failure
    /// The node was full: a limit has refused the call before it began. The node is well, but takes no more calls now.
    case refused
    /// The call says nothing about the node: the caller gave up, or made more calls than a rate limit allows it.
    case ignored

    /// The judgement of the node by a call that it answered, or failed to answer, with a status.
    ///
    /// - Parameters:
    ///   - status: The status.
    ///   - isRefusal: Whether an overloaded server has refused the call.
    ///   - isOverRate: Whether the caller has made too many calls.
    package init(_ status: CallStatus, isRefusal: Bool = false, isOverRate: Bool = false) {
        self =
            switch status {
            case .resourceExhausted where isRefusal: .refused
            case .resourceExhausted: isOverRate ? .ignored : .failure
            case .cancelled: .ignored
            default: CircuitBreaker.failures.contains(status) ? .failure : .success
            }
    }
}
