internal import GRPCCore

/// How long a call waits for a node, and what it fails with in the end.
struct Patience: Sendable {
    private let service: String
    private let options: ChannelOptions
    private let waitsForReady: Bool
    private let deadline: ContinuousClock.Instant?
    private let start: ContinuousClock.Instant

    /// Begins to wait now.
    init(
        service: String,
        options: ChannelOptions,
        waitsForReady: Bool,
        deadline: ContinuousClock.Instant?,
        start: ContinuousClock.Instant = .now
    ) {
        self.service = service
        self.options = options
        self.waitsForReady = waitsForReady
        self.deadline = deadline
        self.start = start
    }

    /// As good as no limit.
    private static let forever = Duration.seconds(365 * 86_400)

    /// When to look again at the latest, should nothing change before.
    ///
    /// - Throws: When there is no hope: `unavailable` when for longer than the settle timeout there was no instance, or none
    ///   could be reached, or when it took longer than the ready timeout to find out; `deadlineExceeded`; `failedPrecondition`
    ///   when the channel is shut down. A call that waits for ready waits on where it would be `unavailable`.
    func limit(
        _ availability: Availability,
        now: ContinuousClock.Instant = .now
    ) throws(RPCError) -> ContinuousClock.Instant {
        if case .closed = availability {
            throw RPCError(code: .failedPrecondition, message: "the channel to \"\(service)\" is shut down")
        }
        if let deadline, deadline <= now {
            throw RPCError(
                code: .deadlineExceeded,
                message: "the deadline passed before there was a connection: \(explanation(availability))"
            )
        }
        let limit: ContinuousClock.Instant =
            switch availability {
            case _ where waitsForReady: now + Self.forever
            case .empty(let since), .failing(_, let since):
                min(since + options.settleTimeout, start + options.readyTimeout)
            case .resolving, .connecting, .ready, .closed: start + options.readyTimeout
            }
        if limit <= now {
            let isRefused = if case .failing(let error, _) = availability { error.cause } else { nil as (any Error)? }
            throw RPCError(code: .unavailable, message: explanation(availability), cause: isRefused)
        }
        return min(limit, deadline ?? limit)
    }

    private func explanation(_ availability: Availability) -> String {
        switch availability {
        case .empty:
            "no instance of \"\(service)\" with a \(options.tls.nodeChoice.schemes.last ?? "grpc") endpoint is registered"
        case .failing(let error, _):
            "no instance of \"\(service)\" can be reached: \(error.message)"
        case .resolving(let cause):
            "no instance of \"\(service)\" is known: \(cause ?? "the registry has not answered")"
        case .connecting, .ready, .closed:
            "no connection to an instance of \"\(service)\" was ready in time"
        }
    }
}
