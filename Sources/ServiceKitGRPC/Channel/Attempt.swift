internal import GRPCCore
internal import GRPCNghttp2Transport
package import ServiceKit

/// The node that an attempt of a call goes to, and the parties that learn how it went there.
package struct Pick<Connection: NodeConnection>: Sendable {
    package let node: Node
    let place: NodePlace<Connection>
    /// The balancer that picked the node.
    let balancer: any Balancer
    /// The call in the node's statistics.
    package let call: NodeStatistics.InFlight
    /// The attempt's number; the first is 1.
    package let number: Int
    /// The circuit breaker of the method; `nil` if breakers are off.
    let breaker: CircuitBreakers.Method?
}

/// One attempt of a call: a node, and the stream to it. A class, as copies of so many references cost more.
final class Attempt: Sendable {
    let pick: Pick<ClientConnection>
    let stream: ClientStream
    /// Middleware that is told how the attempt ended.
    let ends: [CallAttempt.End]

    init(_ pick: consuming Pick<ClientConnection>, _ stream: ClientStream, _ ends: [CallAttempt.End] = []) {
        self.pick = pick
        self.stream = stream
        self.ends = ends
    }
}

/// How an attempt went.
package struct AttemptResult: Sendable {
    /// `nil` when the call succeeded.
    var code: ServiceError.Code?
    var status: CallStatus
    var trailers: Metadata
    /// Whether the node may have begun to process the call.
    var wasSent: Bool
    /// How far the attempt speaks for or against the node.
    var outcome: CallOutcome
    /// Whether another attempt was answered before.
    var isOutrun = false
    /// When the node began to answer a call that has gone on, in ``NodeStatistics/now``'s time; `nil` for any other call.
    package var answeredAt: UInt64?
    /// The load that the node has told but in the trailers.
    var load: LoadReport?

    /// An attempt over another protocol, whose status judges the node.
    ///
    /// - Parameters:
    ///   - status: The status.
    ///   - code: `nil` when the call succeeded.
    ///   - wasSent: Whether the node may have begun to process the call.
    ///   - isRefusal: Whether an overloaded server has refused the call.
    ///   - isOverRate: Whether the caller has made too many calls.
    ///   - load: The load that the node has told.
    package init(
        _ status: CallStatus, code: ServiceError.Code?, wasSent: Bool = true, isRefusal: Bool = false,
        isOverRate: Bool = false, load: LoadReport? = nil
    ) {
        self.init(
            code: code, status: status, trailers: [:], wasSent: wasSent,
            outcome: wasSent ? CallOutcome(status, isRefusal: isRefusal, isOverRate: isOverRate) : .failure)
        self.load = load
    }

    private init(
        code: ServiceError.Code? = nil,
        status: CallStatus,
        trailers: Metadata,
        wasSent: Bool,
        outcome: CallOutcome
    ) {
        self.code = code
        self.status = status
        self.trailers = trailers
        self.wasSent = wasSent
        self.outcome = outcome
    }

    /// The call succeeded.
    static func succeeded(_ trailers: Metadata) -> AttemptResult {
        AttemptResult(status: .ok, trailers: trailers, wasSent: true, outcome: .success)
    }

    /// The caller gave up.
    package static var abandoned: AttemptResult {
        AttemptResult(code: .cancelled, status: .cancelled, trailers: [:], wasSent: true, outcome: .ignored)
    }

    /// Another attempt was answered before.
    package static var outrun: AttemptResult {
        var result = abandoned
        result.isOutrun = true
        return result
    }

    /// The call failed.
    static func failed(_ error: RPCError) -> AttemptResult {
        let isUnprocessed = error.cause is CallNotProcessed
        return AttemptResult(
            code: ServiceError.Code(error.callStatus),
            status: error.callStatus,
            trailers: error.metadata,
            wasSent: !isUnprocessed,
            outcome: isUnprocessed
                ? .failure
                : CallOutcome(error.callStatus, isRefusal: error.isRefusal, isOverRate: error.isOverRate)
        )
    }
}
