public import GRPCCore
public import Logging
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
/// A graceful shutdown loses no call: each client is told to open no more streams, what was under way to the server is
/// still served, and each connection closes when its last call has ended. Cancel the task that runs the server to have
/// it end at once.
public final class Nghttp2ServerTransport: ServerTransport {
    /// Messages are arrays of bytes.
    public typealias Bytes = [UInt8]

    private let address: TransportAddress
    private let transportSecurity: TransportSecurity
    private let config: Config
    private let eventLoopGroup: any EventLoopGroup
    private let hook: (any ServerCallHook)?
    private let logger: Logger
    private let methods = Mutex<[MethodDescriptor]>([])
    let lifecycle = ServerLifecycle()

    /// Creates a transport, which does nothing yet.
    ///
    /// - Parameters:
    ///   - address: Where to listen.
    ///   - transportSecurity: Whether connections are encrypted. Default: no.
    ///   - config: How to behave.
    ///   - eventLoopGroup: What runs the connections.
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

    /// Creates a transport, with something that is done around calls.
    package init(
        address: TransportAddress,
        transportSecurity: TransportSecurity,
        config: Config,
        eventLoopGroup: any EventLoopGroup = .singletonMultiThreadedEventLoopGroup,
        hook: (any ServerCallHook)?,
        logger: Logger
    ) {
        self.hook = hook
        self.address = address
        self.transportSecurity = transportSecurity
        self.config = config
        self.eventLoopGroup = eventLoopGroup
        self.logger = logger
    }

    /// Where the server listens, with the port that the system chose if it was asked to. Suspends until it does.
    ///
    /// - Throws: ``ServerBindError`` or ``TLSConfigError`` if it cannot listen, `CancellationError` if the task is cancelled, an `RPCError`
    ///   with code `failedPrecondition` if the server was shut down before it listened.
    public var listeningAddress: TransportAddress {
        get async throws { try await self.lifecycle.listeningAddress }
    }

    /// Takes the methods of the server's services.
    public func configure(context: GRPCServerContext) {
        self.methods.withLock { $0 = context.methods }
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
        let service = ServerService(
            methods: self.methods.withLock { $0 },
            config: self.config,
            hook: self.hook,
            logger: self.logger,
            handler: streamHandler
        )
        guard try self.lifecycle.beginListening() else { return }
        let channel: any Channel
        let backoff = AcceptBackoff(logger: self.logger)
        do {
            let tls = self.transportSecurity.tls.map { TLSContextSource($0, logger: self.logger) }
            // Read now, so that what is wrong with them is known before somebody connects.
            _ = try await tls?.context(on: self.eventLoopGroup.any()).get()
            channel = try await self.bind(
                ServerAcceptor(
                    service: service, config: self.config, security: self.transportSecurity, tls: tls,
                    lifecycle: self.lifecycle
                ),
                backoff
            )
        } catch {
            let error: any Error =
                error is TLSConfigError ? error : ServerBindError(address: self.address, cause: error)
            self.lifecycle.failedToListen(error)
            throw error
        }
        let address = channel.localAddress.flatMap(TransportAddress.init) ?? self.address
        self.logger.debug("gRPC server is listening", metadata: ["address": "\(address)"])
        await self.lifecycle.run(channel, address)
        self.logger.debug("gRPC server has stopped", metadata: ["address": "\(address)"])
        if let failure = backoff.failure {
            throw ServerBindError(address: address, cause: failure)
        }
    }

    /// Takes no new connections and no new calls; when the last call has ended, ``listen(streamHandler:)`` returns.
    public func beginGracefulShutdown() {
        self.lifecycle.beginGracefulShutdown()
    }

    /// How long the look-up of a name to listen on may take.
    private static let lookUpLimit = Duration.seconds(20)

    /// Where to listen: the first address of a name.
    private func socketAddress() async throws -> SocketAddress {
        if let address = self.address.ipAddress { return address }
        let name = self.address.host ?? ""
        let addresses = try await self.config.resolver
            .addresses(of: name, within: Self.lookUpLimit, on: self.eventLoopGroup.next()).get()
        guard var address = addresses.first else {
            throw NameLookupError.failed(name: name, reason: "it has no address")
        }
        address.port = self.address.port ?? 0
        return address
    }

    private func bind(_ acceptor: ServerAcceptor, _ backoff: AcceptBackoff) async throws -> any Channel {
        let isTCP = self.address.path == nil
        let bootstrap = ServerBootstrap(group: self.eventLoopGroup)
            .serverChannelOption(.backlog, value: Int32(clamping: self.config.backlog))
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(backoff) }
            }
            .childChannelInitializer { channel in
                channel.closeFuture.whenComplete { _ in backoff.connectionClosed() }
                return acceptor.accept(channel, isTCP: isTCP)
            }
        if let path = self.address.path {
            return try await bootstrap.bind(unixDomainSocketPath: path).get()
        }
        return
            try await bootstrap
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(to: try await self.socketAddress()).get()
    }
}
