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

    let core: ChannelCore<ClientConnection>
    private let healthChecks: HealthChecks?

    /// Creates a channel that finds instances through a discoverer.
    ///
    /// - Parameters:
    ///   - service: The service's name.
    ///   - discoverer: Finds the instances; it is shared, and not run by the channel.
    ///   - options: How instances are chosen.
    ///   - balancers: The balancers that ``ChannelOptions/balancer`` can name.
    ///   - middleware: Middleware for each call, inside ``/ServiceKit/MetadataPropagation`` and ``/ServiceKit/Deadlines``. Time limits come with a
    ///     `Deadlines` of the caller's own.
    ///   - pipeline: The steps between the registry and the node that a call goes to.
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
            ChannelSetup(
                to: service,
                discoverer: discoverer,
                options: options,
                balancers: balancers,
                middleware: middleware,
                pipeline: pipeline,
                logger: logger
            )
        )
    }

    /// Creates a channel from the configuration.
    ///
    /// - Parameters:
    ///   - target: `discovery:///NAME` for the registry that `registry.backend` names, or a backend's name in place of
    ///     `discovery`.
    ///   - configuration: The configuration; the sections `registry`, `client` and `clients.NAME` are read.
    ///   - discoverer: Finds the instances. By default the channel has a registry of its own.
    ///   - plugins: The things that configuration can name beyond the embedded ones.
    ///   - middleware: Middleware for each call, inside ``/ServiceKit/MetadataPropagation``, ``/ServiceKit/Deadlines`` and `FaultInjection`.
    ///   - pipeline: The steps between the registry and the node that a call goes to.
    ///   - logger: Where to log.
    /// - Throws: `ConfigurationError`, `AppError`, or an error of the backend.
    public convenience init(
        to target: String,
        configuration: Configuration,
        discoverer: (any Discoverer)? = nil,
        plugins: [Plugin] = [],
        middleware: [any Middleware] = [],
        pipeline: NodePipeline = NodePipeline(),
        logger: Logger = Logger(label: "servicekit.channel")
    ) throws {
        try self.init(
            ChannelSetup(
                to: target,
                configuration: configuration,
                discoverer: discoverer,
                plugins: plugins,
                middleware: middleware,
                pipeline: pipeline,
                logger: logger
            )
        )
    }

    init(_ setup: ChannelSetup, resolver: NameResolver = .shared) throws {
        let (options, logger) = (setup.options, setup.logger)
        var config = options.transportConfig
        config.resolver = resolver
        let security = try setup.configuration.locatingErrors(at: "client.tls") { try options.tls.security() }
        let healthChecks =
            options.healthCheck.enabled
            ? HealthChecks(service: options.healthCheck.service, answerTimeout: options.connectTimeout) : nil
        self.healthChecks = healthChecks
        core = try ChannelCore(setup, choice: options.tls.endpointChoice()) { [config] endpoint, onStateChange in
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
    }

    var pool: NodePool<ClientConnection> { core.pool }

    /// The channel's present state: the registry's instances, the nodes with their statistics, the calls that wait.
    public func snapshot() -> ChannelSnapshot {
        core.snapshot()
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
        await core.run { connection in
            if let check = self.healthChecks?.take(of: connection) {
                await check.run(beside: connection)
            } else {
                await connection.run()
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
        core.beginGracefulShutdown()
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
