public import Logging
public import ServiceKit
public import ServiceKitConfig
public import ServiceKitGRPC

/// A client of a service over HTTP, by the service's name: it finds the instances, chooses one for each call, and makes a
/// call again elsewhere that failed.
///
/// ```swift
/// let users = try app.httpClient("user-service")
/// let response = try await users.send(.get, "/v1/users/7")
/// let user: User_V1_User = try await users.call(.get, "/v1/users/7")
/// ```
/// Its instances, balancer, circuit breakers, retries and middleware are those of a `ServiceChannel`, from the same sections
/// `client` and `clients.<service>`. The connections are AsyncHTTPClient's. In place of a name it takes the URL of any
/// server: `https://api.example.com/v2`.
///
/// A call that no instance has begun to process is made again on another. Any other failed call is made again, within the
/// bounds of `client.retry`, if its method is idempotent by RFC 9110, section 9.2.2 (GET, HEAD, OPTIONS, TRACE, PUT, DELETE),
/// or if its operation is listed in `client.retry.idempotent`, and if its body is there as a whole.
public final class ServiceHTTPClient: Sendable {
    let core: ChannelCore<HTTPNode>
    /// The path of the URL that the client was made for.
    let basePath: String
    /// Whether the servers are found by their name, as those of the kit are: each call tells its server how much time it has,
    /// and asks for the server's load.
    let isKit: Bool
    /// The most bytes of a body that ``call(_:_:_:as:headers:operation:timeout:)`` reads, and of an error's document.
    let maxBody: Int

    /// Creates a client that finds instances through a discoverer.
    ///
    /// - Parameters:
    ///   - service: The service's name.
    ///   - discoverer: Finds the instances; it is shared, and not run by the client.
    ///   - options: How instances are chosen.
    ///   - balancers: The balancers that `ChannelOptions.balancer` can name.
    ///   - middleware: Middleware for each call, inside `MetadataPropagation` and `Deadlines`.
    ///   - pipeline: Steps between the registry and the node that a call goes to.
    ///   - logger: Where to log.
    /// - Throws: `AppError` when the name is not valid; `ConfigurationError` when an option is not.
    public convenience init(
        to service: String,
        discoverer: any Discoverer,
        options: ChannelOptions = ChannelOptions(),
        balancers: Balancers = .embedded,
        middleware: [any Middleware] = [],
        pipeline: NodePipeline = NodePipeline(),
        logger: Logger = Logger(label: "servicekit.http-client")
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
            ),
            nil
        )
    }

    /// Creates a client from the configuration, with a registry of its own.
    ///
    /// - Parameters:
    ///   - target: `discovery:///NAME` for the registry that `registry.backend` names, a backend's name in place of
    ///     `discovery`, or a URL: `https://api.example.com/v2`.
    ///   - configuration: The configuration; the sections `registry`, `client` and `clients.NAME` are read. For a URL, NAME is
    ///     the host, and no registry is made.
    ///   - plugins: The things that configuration can name beyond the embedded ones.
    ///   - middleware: Middleware for each call, inside `MetadataPropagation`, `Deadlines` and `FaultInjection`.
    ///   - pipeline: Steps between the registry and the node that a call goes to.
    ///   - logger: Where to log.
    /// - Throws: `ConfigurationError`, `AppError`, or an error of the backend.
    public convenience init(
        to target: String,
        configuration: Configuration,
        plugins: [Plugin] = [],
        middleware: [any Middleware] = [],
        pipeline: NodePipeline = NodePipeline(),
        logger: Logger = Logger(label: "servicekit.http-client")
    ) throws {
        let url = try HTTPOrigin(target)
        try self.init(
            ChannelSetup(
                to: url?.name ?? target,
                configuration: configuration,
                discoverer: try url?.discoverer(logger),
                plugins: plugins,
                middleware: middleware,
                pipeline: pipeline,
                logger: logger
            ),
            url
        )
    }

    /// Creates a client of the server at an endpoint.
    ///
    /// - Throws: `ConfigurationError` when an option is not valid.
    package convenience init(at endpoint: Endpoint, options: ChannelOptions) throws {
        let origin = HTTPOrigin(endpoint, path: "")
        let logger = Logger(label: "servicekit.http-client") { _ in SwiftLogNoOpLogHandler() }
        try self.init(
            ChannelSetup(
                to: origin.name,
                discoverer: origin.discoverer(logger),
                options: options,
                balancers: .embedded,
                middleware: [],
                pipeline: NodePipeline(),
                logger: logger
            ),
            origin
        )
    }

    init(_ setup: ChannelSetup, _ url: HTTPOrigin?) throws {
        basePath = url?.path ?? ""
        isKit = url == nil
        maxBody = setup.options.limits.maxMessage.bytes
        let clients = try HTTPClients(setup, followsRedirects: url != nil)
        core = try ChannelCore(setup, choice: setup.options.tls.endpointChoice(of: "http")) { endpoint, onStateChange in
            HTTPNode(endpoint, clients, backoff: setup.options.backoff, onStateChange: onStateChange)
        }
    }

    /// The client's present state: the registry's instances, the nodes with their statistics, the calls that wait.
    public func snapshot() -> ChannelSnapshot { core.snapshot() }

    /// Finds instances, until the client is shut down and the last call has ended.
    public func run() async {
        await core.run { await $0.run() }
    }

    /// Runs the client while a body makes calls.
    ///
    /// - Parameter body: Makes calls. When it returns, the client lets the calls in flight end, and can be used no more.
    /// - Returns: The result of the body.
    /// - Throws: The error of the body.
    public func withConnections<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.run() }
            defer { beginGracefulShutdown() }
            return try await body()
        }
    }

    /// Takes no more calls, and lets those in flight end.
    public func beginGracefulShutdown() {
        core.beginGracefulShutdown()
    }
}
