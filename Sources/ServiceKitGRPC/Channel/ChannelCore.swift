internal import GRPCCore
internal import ServiceKit

/// The parts that all calls of a channel share.
final class ChannelCore: Sendable {
    /// The service's name.
    let service: String
    /// The channel's target, as middleware sees it: `discovery:///user-service`.
    let target: String
    let options: ChannelOptions
    let pool: NodePool
    let middleware: MiddlewareChain
    let retryBudget: RetryBudget

    init(service: String, target: String, options: ChannelOptions, pool: NodePool, middleware: MiddlewareChain) {
        self.service = service
        self.target = target
        self.options = options
        self.pool = pool
        self.middleware = middleware
        self.retryBudget = RetryBudget(burst: options.retry.burst)
    }
}
