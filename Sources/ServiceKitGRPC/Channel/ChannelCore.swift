internal import GRPCCore
internal import ServiceKit
private import ServiceKitConfig
private import Synchronization

/// The parts that all calls of a channel share.
final class ChannelCore: Sendable {
    /// The service's name.
    let service: String
    /// The channel's target, as middleware sees it: `discovery:///user-service`.
    let target: String
    let pool: NodePool
    let middleware: MiddlewareChain
    let retryBudget: RetryBudget
    private let outliers: OutlierEjection
    private let latest: Mutex<ChannelOptions>
    private let latestBuffer: Atomic<Int>

    init(
        service: String,
        target: String,
        options: ChannelOptions,
        pool: NodePool,
        outliers: OutlierEjection,
        middleware: MiddlewareChain
    ) {
        self.outliers = outliers
        self.service = service
        self.target = target
        self.pool = pool
        self.middleware = middleware
        retryBudget = RetryBudget(burst: options.retry.burst)
        latest = Mutex(options)
        latestBuffer = Atomic(options.retry.buffer.bytes)
    }

    /// The options in force. They take a lock: calls that wait or have failed read them.
    var options: ChannelOptions { latest.withLock(\.self) }

    /// How much of a request is kept to be sent again, in bytes. Each call reads it, without a lock.
    var retryBuffer: Int { latestBuffer.load(ordering: .relaxed) }

    /// Takes over the options that a running channel can change, ``ChannelOptions/livePaths``.
    ///
    /// - Parameters:
    ///   - next: The options.
    ///   - balancers: The balancers if they are to be replaced.
    func follow(_ next: ChannelOptions, _ balancers: PerPriority<any Balancer>?) {
        latest.withLock { options in
            options.balancer = next.balancer
            options.readyTimeout = next.readyTimeout
            options.settleTimeout = next.settleTimeout
            options.retry = next.retry
            options.outlierEjection = next.outlierEjection
        }
        outliers.setOptions(next.outlierEjection)
        latestBuffer.store(next.retry.buffer.bytes, ordering: .relaxed)
        retryBudget.resize(burst: next.retry.burst)
        if let balancers { pool.replaceBalancers(with: balancers) }
    }
}
