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

    /// How a server behaves.
    public struct Config: Sendable {
        /// The bounds of each connection and its calls.
        public var limits = TransportLimits.defaults

        /// How many calls a client may have open on one connection at a time. Default: 1000.
        public var maxConcurrentCallsPerConnection = 1000

        /// How many connections the system keeps that were not accepted yet. Default: 256.
        public var backlog = 256

        /// The default configuration.
        public static var defaults: Self { Self() }

        private init() {}
    }

    private let address: TransportAddress
    private let config: Config
    private let eventLoopGroup: any EventLoopGroup
    private let logger: Logger
    private let methods = Mutex<[MethodDescriptor]>([])
    let lifecycle = ServerLifecycle()

    /// Creates a transport, which does nothing yet.
    ///
    /// - Parameters:
    ///   - address: Where to listen.
    ///   - config: How to behave.
    ///   - eventLoopGroup: What runs the connections. The handlers of calls do not run there, and may block.
    ///   - logger: Gets a line when the server listens and when it has stopped, at debug level.
    public init(
        address: TransportAddress,
        config: Config = .defaults,
        eventLoopGroup: any EventLoopGroup = .singletonMultiThreadedEventLoopGroup,
        logger: Logger = Logger(label: "grpc.nghttp2.server")
    ) {
        self.address = address
        self.config = config
        self.eventLoopGroup = eventLoopGroup
        self.logger = logger
    }

    /// Where the server listens, with the port that the system chose if it was asked to. Suspends until it does.
    ///
    /// - Throws: ``ServerBindError`` if it cannot listen, `CancellationError` if the task is cancelled, an `RPCError`
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
    /// - Throws: ``ServerBindError`` if it cannot listen.
    public func listen(
        streamHandler: @escaping @Sendable (RPCStream<Inbound, Outbound>, ServerContext) async -> Void
    ) async throws {
        let service = ServerService(methods: self.methods.withLock { $0 }, handler: streamHandler)
        guard try self.lifecycle.beginListening() else { return }
        let channel: any Channel
        do {
            channel = try await self.bind(service)
        } catch {
            let error = ServerBindError(address: self.address, cause: error)
            self.lifecycle.failedToListen(error)
            throw error
        }
        let address = channel.localAddress.flatMap(TransportAddress.init) ?? self.address
        self.logger.debug("gRPC server is listening", metadata: ["address": "\(address)"])
        await self.lifecycle.run(channel, address)
        self.logger.debug("gRPC server has stopped", metadata: ["address": "\(address)"])
    }

    /// Takes no new connections and no new calls; when the last call has ended, ``listen(streamHandler:)`` returns.
    public func beginGracefulShutdown() {
        self.lifecycle.beginGracefulShutdown()
    }

    private func bind(_ service: ServerService) async throws -> any Channel {
        let isTCP = self.address.path == nil
        let bootstrap = ServerBootstrap(group: self.eventLoopGroup)
            .serverChannelOption(.backlog, value: Int32(clamping: self.config.backlog))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try self.accept(channel, service, isTCP: isTCP) }
            }
        if let path = self.address.path {
            return try await bootstrap.bind(unixDomainSocketPath: path).get()
        }
        return
            try await bootstrap
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(host: self.address.host ?? "", port: self.address.port ?? 0).get()
    }

    private func accept(_ channel: any Channel, _ service: ServerService, isTCP: Bool) throws {
        if isTCP, let options = channel.syncOptions {
            try options.setOption(.tcpOption(.tcp_nodelay), value: 1)
        }
        let calls = ServerConnection(
            service: service,
            maxConcurrentCalls: self.config.maxConcurrentCallsPerConnection,
            onFinish: { [lifecycle] in lifecycle.finished($0) }
        )
        let connection = HTTP2Connection(
            role: .server(maxConcurrentStreams: self.config.maxConcurrentCallsPerConnection),
            limits: self.config.limits,
            maxQueuedRequests: 0,
            loop: channel.eventLoop,
            delegate: calls
        )
        guard self.lifecycle.accepted(calls, connection) else {
            channel.close(promise: nil)
            return
        }
        try channel.pipeline.syncOperations.addHandler(connection)
    }
}
