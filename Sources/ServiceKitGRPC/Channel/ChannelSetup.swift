package import Logging
package import ServiceKit
package import ServiceKitConfig

/// The parts that a channel to a service is made of, whatever protocol it speaks.
package struct ChannelSetup: Sendable {
    /// The service's name.
    package let service: String
    /// The channel's target, as middleware sees it: `discovery:///user-service`.
    package let target: String
    package let options: ChannelOptions
    package let logger: Logger
    /// The section `client` as it holds for the service.
    package let configuration: Configuration
    let discoverer: any Discoverer
    /// The registry that the channel runs itself.
    private(set) var ownedRegistry: (any Registry)?
    let balancers: Balancers
    let middleware: MiddlewareChain
    let pipeline: NodePipeline
    /// The App that the channel belongs to.
    private(set) var app: App?

    private init(
        _ target: ChannelTarget,
        discoverer: any Discoverer,
        options: ChannelOptions,
        balancers: Balancers,
        middleware: MiddlewareChain,
        pipeline: NodePipeline,
        logger: Logger,
        configuration: Configuration = Configuration()
    ) {
        service = target.service
        self.target = "\(target.backend ?? "discovery"):///\(target.service)"
        self.discoverer = discoverer
        self.options = options
        self.balancers = balancers
        self.middleware = middleware
        self.pipeline = pipeline
        self.logger = logger
        self.configuration = configuration
    }

    /// A channel that finds instances through a discoverer.
    ///
    /// - Throws: `AppError` when the name is not valid.
    package init(
        to service: String,
        discoverer: any Discoverer,
        options: ChannelOptions,
        balancers: Balancers,
        middleware: [any Middleware],
        pipeline: NodePipeline,
        logger: Logger
    ) throws {
        self.init(
            try ChannelTarget(inGivenRegistry: service),
            discoverer: discoverer,
            options: options,
            balancers: balancers,
            middleware: Self.chain(Deadlines(), middleware),
            pipeline: pipeline,
            logger: logger
        )
    }

    /// A channel that the configuration describes, with a registry of its own.
    ///
    /// - Parameter discoverer: Finds the instances; `nil` for the registry that the target or the configuration names.
    /// - Throws: `ConfigurationError`, `AppError`, or an error of the backend.
    package init(
        to target: String,
        configuration: Configuration,
        discoverer: (any Discoverer)? = nil,
        plugins: [Plugin],
        middleware: [any Middleware],
        pipeline: NodePipeline,
        logger: Logger
    ) throws {
        let target = try ChannelTarget(target)
        let client = configuration.client(of: target.service)
        let options = try ChannelOptions(client)
        let timeouts = try client.decode(Deadlines.Options.self, at: "client.timeouts")
        let faults = try client.decode(FaultInjection.Options.self, at: "client.faults")
        let injection = faults.isEmpty ? [] : [FaultInjection(faults, logger: logger)]
        var owned: (any Registry)?
        let found: any Discoverer
        if let discoverer {
            found = discoverer
        } else {
            let registry = try Self.registry(of: target, configuration, plugins, logger)
            (found, owned) = (Discovery(registry), registry)
        }
        self.init(
            target,
            discoverer: found,
            options: options,
            balancers: Balancers(plugins: plugins),
            middleware: Self.chain(Deadlines(timeouts), injection + middleware),
            pipeline: pipeline,
            logger: logger,
            configuration: client
        )
        ownedRegistry = owned
    }

    /// A channel of an App, which follows changes of the configuration.
    ///
    /// - Parameter discoverer: Finds the instances; the App's by default.
    /// - Throws: `ConfigurationError`, `AppError`.
    package init(to service: String, of app: App, discoverer: (any Discoverer)? = nil) throws {
        app.registerGRPC()
        let target = try ChannelTarget(inGivenRegistry: service)
        _ = try ChannelOptions(app.configuration)
        try ConfigurationSections(plugins: app.plugins + [.grpc]).checkClients(app.configuration)
        let client = app.configuration.client(of: target.service)
        self.init(
            target,
            discoverer: discoverer ?? app.discovery,
            options: try ChannelOptions(client),
            balancers: app.balancers,
            middleware: try app.clientMiddleware.forCalls(to: target.service),
            pipeline: app.nodePipeline,
            logger: app.logger,
            configuration: client
        )
        self.app = app
    }

    private static func registry(
        of target: ChannelTarget, _ configuration: Configuration, _ plugins: [Plugin], _ logger: Logger
    ) throws -> any Registry {
        let backends = RegistryBackends(plugins: plugins)
        return if let backend = target.backend {
            try backends.make(backend, configuration: configuration, logger: logger)
        } else {
            try backends.make(configuration: configuration, logger: logger)
        }
    }

    /// The middleware of a channel that no App has.
    private static func chain(_ deadlines: Deadlines, _ middleware: [any Middleware]) -> MiddlewareChain {
        var chain = MiddlewareChain()
        chain.use(MetadataPropagation())
        chain.use(deadlines)
        for middleware in middleware { chain.use(middleware) }
        return chain
    }

    /// The budget of retries, which all channels share that find the service through the same registry.
    func retryBudget() -> RetryBudget {
        let burst = options.retry.burst
        if ownedRegistry != nil { return RetryBudgets.shared.budget(of: target, in: nil, burst: burst) }
        // A discoverer that is a value has no identity by which another channel could share it.
        guard type(of: discoverer) is AnyClass else { return RetryBudget(burst: burst) }
        return RetryBudgets.shared.budget(of: target, in: discoverer as AnyObject, burst: burst)
    }
}
