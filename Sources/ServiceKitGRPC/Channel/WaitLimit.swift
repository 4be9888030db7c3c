package import GRPCCore
internal import ServiceKit

/// How long a call waits for a node, and the error that it fails with afterwards.
package struct WaitLimit: Sendable {
    private let service: String
    private let scheme: String
    private let options: ChannelOptions
    private let waitsForReady: Bool
    private let deadline: ContinuousClock.Instant?
    private let start: ContinuousClock.Instant

    /// Begins to wait now.
    package init(
        service: String,
        scheme: String = "grpc",
        options: ChannelOptions,
        waitsForReady: Bool,
        deadline: ContinuousClock.Instant?,
        start: ContinuousClock.Instant = .now
    ) {
        self.service = service
        self.scheme = scheme
        self.options = options
        self.waitsForReady = waitsForReady
        self.deadline = deadline
        self.start = start
    }

    /// A limit so long that it acts as none.
    private static let forever = Duration.seconds(365 * 86_400)

    /// When the call is to ask again at the latest, should nothing change before.
    ///
    /// - Throws: `failedPrecondition` when the channel is shut down; `deadlineExceeded`; `unavailable` when there was no
    ///   instance, or none could be reached, for longer than the settle timeout, or when it took longer than the ready
    ///   timeout to find out. A call that waits for ready waits on where it would be `unavailable`.
    package func next(
        _ connectivity: ConnectivityState,
        now: ContinuousClock.Instant = .now
    ) throws(RPCError) -> ContinuousClock.Instant {
        if case .shutdown = connectivity {
            throw RPCError(code: .failedPrecondition, message: "the channel to \"\(service)\" is shut down")
        }
        if let deadline, deadline <= now {
            throw RPCError(
                code: .deadlineExceeded,
                message: "the deadline passed before there was a connection: \(explanation(connectivity))"
            )
        }
        let limit: ContinuousClock.Instant =
            switch connectivity {
            case _ where waitsForReady: now + Self.forever
            case .empty(let since), .transientFailure(_, let since):
                min(since + options.settleTimeout, start + options.readyTimeout)
            case .resolving, .connecting, .ready, .shutdown: start + options.readyTimeout
            }
        if limit <= now {
            let isRefused =
                if case .transientFailure(let error, _) = connectivity { error.cause } else { nil as (any Error)? }
            throw RPCError(code: .unavailable, message: explanation(connectivity), cause: isRefused)
        }
        return min(limit, deadline ?? limit)
    }

    private func explanation(_ connectivity: ConnectivityState) -> String {
        switch connectivity {
        case .empty:
            "no instance of \"\(service)\" with a \(options.tls.endpointChoice(of: scheme).schemes.last ?? scheme) endpoint is registered"
                + (options.filter == InstanceFilter.Options() ? "" : " and passes client.filter")
        case .transientFailure(let error, _):
            "no instance of \"\(service)\" can be reached: \(error.message)"
        case .resolving(let cause):
            "no instance of \"\(service)\" is known: \(cause ?? "the registry has not answered")"
        case .connecting, .ready, .shutdown:
            "no connection to an instance of \"\(service)\" was ready in time"
        }
    }
}
