public import GRPCCore
public import Logging
public import ServiceKitHTTP2
public import NIOCore
public import NIOPosix
import Synchronization

/// A server transport for `GRPCServer`: HTTP/2 on libnghttp2 over SwiftNIO.
///
/// ```swift
/// let transport = Nghttp2ServerTransport(address: .ipv4(host: "127.0.0.1", port: 0))
/// try await withGRPCServer(transport: transport, services: [greeter]) { server in
///     print(try await transport.listeningAddress)
/// }
/// ```
///
/// A graceful shutdown loses no call: each client is told to open no more streams, requests on their way to the server
/// are still served, and each connection closes when its last call has ended. Cancel the task that runs the server to
/// have it end at once.
public final class Nghttp2ServerTransport: ServerTransport {
    /// Messages are arrays of bytes.
    public typealias Bytes = [UInt8]

    /// The security of a server's connections.
    public typealias TransportSecurity = ServerTransportSecurity

    private let config: Config
    private let hook: (any ServerCallHook)?
    private let direct: [MethodDescriptor: DirectHandler]
    private let checks: [MethodDescriptor: RequestCheck]
    private let servesGRPC: Bool
    private let otherRequests: (@Sendable (ServedMethods) -> any RequestHandler)?
    private let logger: Logger
    private let methods = Mutex<[MethodDescriptor]>([])
    let server: HTTP2Server

    /// Creates a transport, which does nothing yet.
    ///
    /// - Parameters:
    ///   - address: Where to listen.
    ///   - transportSecurity: Whether connections are encrypted. Default: no.
    ///   - config: How to behave.
    ///   - eventLoopGroup: Runs the connections.
    ///   - logger: Gets a warning when a bound bites, and lines about connections at debug level.
    public convenience init(
        address: TransportAddress,
        transportSecurity: TransportSecurity = .plaintext,
        config: Config = .defaults,
        eventLoopGroup: any EventLoopGroup = .singletonMultiThreadedEventLoopGroup,
        logger: Logger = Logger(label: "grpc.nghttp2.server")
    ) {
        self.init(
            address: address,
            transportSecurity: transportSecurity,
            config: config,
            eventLoopGroup: eventLoopGroup,
            hook: nil,
            logger: logger
        )
    }

    /// Creates a transport whose connections serve more than gRPC.
    ///
    /// - Parameters:
    ///   - address: The address to listen on.
    ///   - transportSecurity: Whether connections are encrypted.
    ///   - config: The configuration.
    ///   - eventLoopGroup: Runs the connections.
    ///   - hook: Is called around each call of gRPC.
    ///   - direct: Serves the calls of these methods, which the router must have as well. Default: GRPCCore serves all.
    ///   - checks: Check the messages of requests of these methods, whatever serves them.
    ///   - servesGRPC: Whether gRPC is answered; if not, `otherRequests` gets all requests. Default: it is.
    ///   - otherRequests: Makes the handler of requests whose content type is not gRPC. Default: they are refused.
    ///   - logger: Gets a warning when a bound bites, and lines about connections at debug level.
    package init(
        address: TransportAddress,
        transportSecurity: TransportSecurity,
        config: Config,
        eventLoopGroup: any EventLoopGroup = .singletonMultiThreadedEventLoopGroup,
        hook: (any ServerCallHook)?,
        direct: [MethodDescriptor: DirectHandler] = [:],
        checks: [MethodDescriptor: RequestCheck] = [:],
        servesGRPC: Bool = true,
        otherRequests: (@Sendable (ServedMethods) -> any RequestHandler)? = nil,
        logger: Logger
    ) {
        self.hook = hook
        self.direct = direct
        self.checks = checks
        self.config = config
        self.servesGRPC = servesGRPC
        self.otherRequests = otherRequests
        self.logger = logger
        var options = HTTP2Server.Options()
        options.maxConnections = config.maxConnections
        options.backlog = config.backlog
        options.runsOnEventLoop = config.handlerExecutor == .eventLoop
        options.resolver = config.resolver
        server = HTTP2Server(
            address: address,
            security: transportSecurity,
            options: options,
            config: HTTP2ConnectionConfig(
                config, transportSecurity, reporter: LimitReporter(side: .server, logger: logger)
            ),
            eventLoopGroup: eventLoopGroup,
            logger: logger
        )
    }

    /// Where the server listens, with the port that the system chose if it was asked to. Suspends until it does.
    ///
    /// - Throws: ``ServerBindError`` or ``TLSConfigError`` if it cannot listen, `CancellationError` if the task is cancelled, an `RPCError`
    ///   with code `failedPrecondition` if the server was shut down before it listened.
    public var listeningAddress: TransportAddress {
        get async throws { try await mapping { try await server.listeningAddress } }
    }

    /// The open connections, and the calls whose handlers have not returned.
    package var load: (connections: Int, calls: Int) { (server.openConnections, server.runningTasks) }

    /// Takes the methods of the server's services.
    public func configure(context: GRPCServerContext) {
        methods.withLock { $0 = context.methods }
    }

    /// Listens and serves until ``beginGracefulShutdown()`` was called and the last call has ended, or until the task
    /// is cancelled.
    ///
    /// While the process, or the system, has no descriptors left for new connections, it waits for some: those that are
    /// open go on, and a warning names the limit.
    /// - Throws: ``ServerBindError`` if it cannot listen, or no longer; ``TLSConfigError`` if certificates or keys cannot
    ///   be used.
    public func listen(
        streamHandler: @escaping @Sendable @concurrent (RPCStream<Inbound, Outbound>, ServerContext) async -> Void
    ) async throws {
        let served = ServedMethods(
            methods: methods.withLock { $0 },
            config: config,
            hook: hook,
            direct: direct,
            checks: checks,
            handler: streamHandler
        )
        let others = otherRequests?(served)
        let handler = GRPCRequestHandler(methods: served, otherRequests: others)
        try await mapping { try await server.listen(servesGRPC ? handler : others ?? handler) }
    }

    /// Turns errors of the engine into errors of GRPCCore.
    private func mapping<Result>(_ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch ServerLifecycleError.listensAlready {
            throw RPCError(code: .failedPrecondition, message: "the transport listens already")
        } catch ServerLifecycleError.shutDown {
            throw RPCError(code: .failedPrecondition, message: "the server was shut down before it listened")
        }
    }

    /// Takes no new connections and no new calls; when the last call has ended, ``listen(streamHandler:)`` returns.
    public func beginGracefulShutdown() {
        server.beginGracefulShutdown()
    }
}
