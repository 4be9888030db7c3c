public import GRPCCore
internal import GRPCNghttp2Transport
public import Logging
public import ServiceKit
internal import ServiceKitConcurrency
public import ServiceKitConfig

/// A gRPC channel to a service by its name: it finds the instances, holds a connection to each, and chooses one for each
/// call.
///
/// ```swift
/// let channel = try ServiceChannel(to: "discovery:///user-service", configuration: configuration)
/// try await channel.withConnections {
///     let users = User_V1_UserService.Stub(channel)
///     let user = try await users.getUser(.with { $0.id = 7 })
/// }
/// ```
/// In an App, `app.channel("user-service")` gives a channel that the App runs.
///
/// When the registry says that there is no instance, calls fail with `unavailable` after
/// ``ChannelOptions/settleTimeout``; calls with `waitForReady` wait until their deadline. When the registry is away, calls
/// go to the instances known last. A call that no instance has begun to process is made again on another; see
/// ``RetryOptions`` for the others.
public final class ServiceChannel: ClientTransport, Sendable {
    /// A message's bytes.
    public typealias Bytes = [UInt8]

    let core: ChannelCore
    private let healthChecks: HealthChecks?
    private let discoverer: any Discoverer
    private let ownedRegistry: (any Registry)?
    /// The instance that the channel belongs to, if that registers.
    private let owner: ServiceInstance?
    private let isClosing = Watched(false)
    private let logger: Logger

    /// Creates a channel that finds instances through a discoverer.
    ///
    /// - Parameters:
    ///   - service: The service's name.
    ///   - discoverer: Finds the instances; it is shared, and not run by the channel.
    ///   - options: How instances are chosen.
    ///   - balancers: What ``ChannelOptions/balancer`` can name.
    ///   - middleware: Middleware for each call, inside ``MetadataPropagation`` and ``Deadlines``. Time limits come with a
    ///     `Deadlines` of the caller's own.
    ///   - pipeline: What is added between the registry and the node that a call goes to.
    ///   - logger: Where to log.
    /// - Throws: `AppError` when the name or an option is not valid.
    public convenience init(
        to service: String,
        discoverer: any Discoverer,
        options: ChannelOptions = ChannelOptions(),
        balancers: Balancers = .embedded,
        middleware: [any Middleware] = [],
        pipeline: NodePipeline = NodePipeline(),
        logger: Logger = Logger(label: "servicekit.channel")
    ) throws {
        try self.init(
            ChannelTarget(inGivenRegistry: service),
            discoverer: discoverer,
            options: options,
            balancers: balancers,
            middleware: Self.chain(Deadlines(), middleware),
            pipeline: pipeline,
            logger: logger
        )
    }

    /// Creates a channel from the configuration, with a registry of its own.
    ///
    /// - Parameters:
    ///   - target: `discovery:///NAME` for the registry that `registry.backend` names, or a backend's name in place of
    ///     `discovery`.
    ///   - configuration: The configuration; the sections `registry`, `client` and `clients.NAME` are read.
    ///   - plugins: The things that configuration can name beyond the embedded ones.
    ///   - middleware: Middleware for each call, inside ``MetadataPropagation``, ``Deadlines`` and `FaultInjection`.
    ///   - pipeline: What is added between the registry and the node that a call goes to.
    ///   - logger: Where to log.
    /// - Throws: `ConfigurationError`, `AppError`, or an error of the backend.
    public convenience init(
        to target: String,
        configuration: Configuration,
        plugins: [Plugin] = [],
        middleware: [any Middleware] = [],
        pipeline: NodePipeline = NodePipeline(),
        logger: Logger = Logger(label: "servicekit.channel")
    ) throws {
        let target = try ChannelTarget(target)
        let client = configuration.client(of: target.service)
        let options = try ChannelOptions(client)
        let timeouts = try client.decode(Deadlines.Options.self, at: "client.timeouts")
        let faults = try client.decode(FaultInjection.Options.self, at: "client.faults")
        let injection = faults.isEmpty ? [] : [FaultInjection(faults, logger: logger)]
        let backends = RegistryBackends(plugins: plugins)
        let registry =
            if let backend = target.backend {
                try backends.make(backend, configuration: configuration, logger: logger)
            } else {
                try backends.make(configuration: configuration, logger: logger)
            }
        try self.init(
            target,
            discoverer: Discovery(registry),
            ownedRegistry: registry,
            options: options,
            balancers: Balancers(plugins: plugins),
            middleware: Self.chain(Deadlines(timeouts), injection + middleware),
            pipeline: pipeline,
            logger: logger,
            configuration: client
        )
    }

    /// The middleware of a channel that no App has.
    static func chain(_ deadlines: Deadlines, _ middleware: [any Middleware]) -> MiddlewareChain {
        var chain = MiddlewareChain()
        chain.use(MetadataPropagation())
        chain.use(deadlines)
        for middleware in middleware { chain.use(middleware) }
        return chain
    }

    /// Creates an App's channel, which follows changes of the configuration.
    convenience init(to target: ChannelTarget, of app: App) throws {
        app.registerGRPC()
        let sections = ConfigurationSections(plugins: app.plugins + [.grpc])
        _ = try ChannelOptions(app.configuration)
        try sections.checkClients(app.configuration)
        let service = target.service
        let client = app.configuration.client(of: service)
        let options = try ChannelOptions(client)
        try self.init(
            target,
            discoverer: app.discovery,
            options: options,
            balancers: app.balancers,
            middleware: app.clientMiddleware.forCalls(to: service),
            pipeline: app.nodePipeline,
            logger: app.logger,
            owner: app.registers ? app.instance : nil,
            appZone: app.instance.zone,
            configuration: client
        )
        app.follow(ChannelOptions.livePaths) { [core, balancers = app.balancers] next, earlier in
            try sections.checkClients(next)
            let client = next.client(of: service)
            let options = try ChannelOptions(client)
            let made = try balancers.makeAll(
                options.balancer,
                lanes: options.lanes,
                after: (core.options.balancer, core.options.lanes),
                configuration: client,
                earlier: earlier.client(of: service)
            )
            return { core.follow(options, made) }
        }
    }

    init(
        _ target: ChannelTarget,
        discoverer: any Discoverer,
        ownedRegistry: (any Registry)? = nil,
        options: ChannelOptions,
        balancers: Balancers,
        middleware: MiddlewareChain,
        pipeline: NodePipeline,
        resolver: NameResolver = .shared,
        logger: Logger,
        owner: ServiceInstance? = nil,
        appZone: String? = nil,
        configuration: Configuration = Configuration()
    ) throws {
        var config = options.transportConfig
        config.resolver = resolver
        let security = try configuration.locatingErrors(at: "client.tls") { try options.tls.security() }
        let outliers = OutlierEjection(options.outlierEjection)
        let subsets = pipeline.subsets
        var pipeline = pipeline
        pipeline.subsets = ChannelCore.steps(options, subsets)
        pipeline.ejection.insert(outliers, at: 0)
        let healthChecks =
            options.healthCheck.enabled
            ? HealthChecks(service: options.healthCheck.service, answerTimeout: options.connectTimeout) : nil
        let pool = NodePool(
            balancer: PriorityBalancer(
                try balancers.makeAll(options.balancer, lanes: options.lanes, configuration: configuration)),
            pipeline: pipeline,
            choice: options.tls.endpointChoice
        ) { [config, healthChecks] endpoint, onStateChange in
            let check = healthChecks?.makeCheck(onStateChange)
            var report = onStateChange
            if let check { report = { check.connection(became: $0) } }
            let connection = ClientConnection(
                address: TransportAddress(host: endpoint.host, port: endpoint.port),
                transportSecurity: endpoint.isSecure ? security : .plaintext,
                authority: endpoint.authority,
                config: config,
                logger: logger,
                onStateChange: report
            )
            if let check { healthChecks?.add(check, of: connection) }
            return connection
        }
        pool.setSlowStart(options.slowStart)
        pool.setZones(ZonePreference(options.zones, appZone: appZone))
        let name = "\(target.backend ?? "discovery"):///\(target.service)"
        let burst = options.retry.burst
        let retryBudget =
            if ownedRegistry != nil {
                RetryBudgets.shared.budget(of: name, in: nil, burst: burst)
            } else if type(of: discoverer) is AnyClass {
                RetryBudgets.shared.budget(of: name, in: discoverer as AnyObject, burst: burst)
            } else {
                // A discoverer that is a value has no identity by which another channel could share it.
                RetryBudget(burst: burst)
            }
        self.core = ChannelCore(
            service: target.service,
            target: name,
            options: options,
            pool: pool,
            outliers: outliers,
            subsets: subsets,
            appZone: appZone,
            middleware: middleware,
            retryBudget: retryBudget,
            logger: logger
        )
        self.healthChecks = healthChecks
        self.discoverer = discoverer
        self.ownedRegistry = ownedRegistry
        self.owner = owner
        self.logger = logger
    }

    var pool: NodePool { core.pool }

    /// The channel's present state: the registry's instances, the nodes with their statistics, the calls that wait.
    public func snapshot() -> ChannelSnapshot {
        core.pool.snapshot(of: core.service, core.breakers)
    }

    /// Waits until the registry has answered, and each connection has been made or has failed: a first call then has the choice
    /// among all instances. Two seconds at most.
    package func settle() async {
        _ = try? await withTimeLimit(.seconds(2)) { [pool] in await pool.settle() }
    }

    /// Retries are the channel's own.
    public var retryThrottle: RetryThrottle? { nil }

    /// Nothing is configured for methods here.
    public func config(forMethod descriptor: MethodDescriptor) -> MethodConfig? { nil }

    /// Finds instances and holds connections, until the channel is shut down and the last call has ended.
    public func connect() async throws {
        await withDiscardingTaskGroup { group in
            group.addTask {
                await self.discover()
                self.core.pool.close()
                self.core.connections.continuation.finish()
            }
            for await connection in core.connections.stream {
                group.addTask {
                    if let check = self.healthChecks?.take(of: connection) {
                        await check.run(beside: connection)
                    } else {
                        await connection.run()
                    }
                    self.core.pool.connectionEnded(connection)
                }
            }
        }
    }

    /// Runs the channel while a body makes calls.
    ///
    /// - Parameter body: Makes calls. When it returns, the channel lets the calls in flight end, and can be used no more.
    /// - Returns: The result of the body.
    /// - Throws: The error of the body.
    public func withConnections<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.connect() }
            defer { beginGracefulShutdown() }
            return try await body()
        }
    }

    /// A client for the code that grpc-swift generates: `User_V1_UserService.Client(wrapping: channel.client)`. Its calls
    /// go through GRPCCore, and then through this channel.
    public var client: GRPCClient<ServiceChannel> { GRPCClient(transport: self) }

    /// Takes no more calls, and lets those in flight end.
    public func beginGracefulShutdown() {
        isClosing.set(true)
    }

    /// Follows the service until the channel is shut down.
    private func discover() async {
        await withTaskGroup(of: Void.self) { group in
            if let ownedRegistry {
                group.addTask { await ownedRegistry.run() }
            }
            group.addTask {
                for await snapshot in self.discoverer.watch(self.core.service) {
                    self.log(snapshot)
                    if self.owner != nil { await self.core.prepare(for: snapshot) }
                    for connection in self.core.pool.apply(snapshot) {
                        self.core.connections.continuation.yield(connection)
                    }
                }
            }
            if let owner {
                group.addTask { await self.followPeers(of: owner) }
            }
            _ = await isClosing.first(where: \.self)
            group.cancelAll()
        }
    }

    /// Follows the channel's place among the instances of its own service, once the place is needed.
    private func followPeers(of owner: ServiceInstance) async {
        await core.needsPosition.wait()
        for await snapshot in discoverer.watch(owner.name) where !snapshot.instances.isEmpty || snapshot.state.isLive {
            core.setPosition(SubsetPosition(of: owner.id, among: snapshot.instances))
            // A fleet that starts moves all places: many moves count as one.
            guard (try? await Task.sleep(for: .seconds(1))) != nil else { return }
        }
    }

    private func log(_ snapshot: DiscoverySnapshot) {
        switch snapshot.state {
        case .live:
            logger.debug("instances", metadata: ["service": "\(core.service)", "ids": "\(snapshot.instances)"])
        case .stale(_, let cause):
            logger.warning(
                "the registry is away; the instances known last are called",
                metadata: ["service": "\(core.service)", "known": "\(snapshot.instances.count)", "cause": "\(cause)"]
            )
        }
    }

    func makeCall(_ descriptor: MethodDescriptor, _ options: CallOptions) -> ClientCall {
        ClientCall(descriptor, options: options, channel: core)
    }

    /// Makes a call.
    ///
    /// - Throws: The error of `closure`.
    public func withStream<T: Sendable>(
        descriptor: MethodDescriptor,
        options: CallOptions,
        _ closure: @concurrent (_ stream: RPCStream<Inbound, Outbound>, _ context: ClientContext) async throws -> T
    ) async throws -> T {
        let call = makeCall(descriptor, options)
        // The caller may leave before the call has ended.
        defer { call.leave() }
        return try await closure(
            RPCStream(
                descriptor: descriptor,
                inbound: RPCAsyncSequence(wrapping: CallParts(call: call)),
                outbound: RPCWriter.Closable(wrapping: RequestWriter(call: call))
            ),
            ClientContext(descriptor: descriptor, remotePeer: core.target, localPeer: "in-process")
        )
    }
}
