internal import GRPCCore
internal import ServiceKit

/// What the calls of a channel share.
final class ChannelCore: Sendable {
    /// The service's name.
    let service: String
    let options: ChannelOptions
    let pool: NodePool
    let pipelines: MiddlewarePipelines
    let retryBudget: RetryBudget

    init(service: String, options: ChannelOptions, pool: NodePool, middleware: MiddlewareChain) {
        self.service = service
        self.options = options
        self.pool = pool
        self.pipelines = MiddlewarePipelines(middleware)
        self.retryBudget = RetryBudget(burst: options.retry.burst)
    }
}
