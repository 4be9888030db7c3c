package import Logging
package import NIOCore
import NIOPosix

/// A server of HTTP/2: it listens at one address, and hands each request to a `RequestHandler`.
package final class HTTP2Server: Sendable {
    package struct Options: Sendable {
        /// The number of connections that may be open at a time. More are closed at once.
        package var maxConnections = 10_000
        /// The number of connections that the system keeps before they are accepted. Default: 256.
        package var backlog = 256
        /// Whether the event loop of a connection runs its requests; else the global pool does. Default: `true`.
        package var runsOnEventLoop = true
        package var resolver = NameResolver.shared

        package init() {}
    }

    let lifecycle = ServerLifecycle()
    private let address: TransportAddress
    private let security: ServerTransportSecurity
    private let options: Options
    private let config: HTTP2ConnectionConfig
    private let eventLoopGroup: any EventLoopGroup
    private let logger: Logger

    package init(
        address: TransportAddress,
        security: ServerTransportSecurity,
        options: Options,
        config: HTTP2ConnectionConfig,
        eventLoopGroup: any EventLoopGroup,
        logger: Logger
    ) {
        self.address = address
        self.security = security
        self.options = options
        self.config = config
        self.eventLoopGroup = eventLoopGroup
        self.logger = logger
    }

    /// Listens and serves until the lifecycle was shut down and the last connection is gone, or until the task is
    /// cancelled. Returns at once if the lifecycle was shut down before.
    ///
    /// - Throws: ``ServerBindError`` if it cannot listen, or no longer; ``TLSConfigError`` if certificates or keys cannot
    ///   be used; ``ServerLifecycleError`` if it listens already.
    package func listen(_ handler: any RequestHandler) async throws {
        guard try lifecycle.beginListening() else { return }
        let channel: any Channel
        let backoff = AcceptBackoff(logger: logger)
        do {
            let other = handler.http1 == nil ? [] : [HTTP1Connection.applicationProtocol]
            let tls = security.tls.map { TLSContextSource($0, otherProtocols: other, logger: logger) }
            // Certificates are read now: an error in them is known before a client connects.
            _ = try await tls?.context(on: eventLoopGroup.any()).get()
            channel = try await bind(
                ServerAcceptor(
                    handler: handler, options: options, config: config, tls: tls, lifecycle: lifecycle,
                    logger: logger
                ),
                backoff
            )
        } catch {
            let error: any Error =
                error is TLSConfigError ? error : ServerBindError(address: self.address, cause: error)
            lifecycle.failedToListen(error)
            throw error
        }
        let address = channel.localAddress.flatMap(TransportAddress.init) ?? self.address
        logger.debug("server is listening", metadata: ["address": "\(address)"])
        await lifecycle.run(channel, address)
        logger.debug("server has stopped", metadata: ["address": "\(address)"])
        if let failure = backoff.failure {
            throw ServerBindError(address: address, cause: failure)
        }
    }

    /// The address of the listener, with the port that the system chose. Suspends until there is one.
    ///
    /// - Throws: The error of `listen`; `CancellationError` if the task is cancelled; ``ServerLifecycleError`` if the server
    ///   was shut down before it listened.
    package var listeningAddress: TransportAddress {
        get async throws { try await lifecycle.listeningAddress }
    }

    /// The number of open connections.
    package var openConnections: Int { lifecycle.openConnections }

    /// The number of requests whose tasks have not returned, on all connections.
    package var runningTasks: Int { lifecycle.runningTasks }

    /// Takes no new connections and no new requests; when the last connection is gone, `listen` returns.
    package func beginGracefulShutdown() {
        lifecycle.beginGracefulShutdown()
    }

    /// How long the look-up of a name to listen on may take.
    private static let lookUpLimit = Duration.seconds(20)

    /// Where to listen: the first address of a name.
    private func socketAddress() async throws -> SocketAddress {
        if let address = self.address.ipAddress { return address }
        let name = self.address.host ?? ""
        let addresses = try await options.resolver
            .addresses(of: name, within: Self.lookUpLimit, on: eventLoopGroup.next()).get()
        guard var address = addresses.first else {
            throw NameLookupError.failed(name: name, reason: "it has no address")
        }
        address.port = self.address.port ?? 0
        return address
    }

    private func bind(_ acceptor: ServerAcceptor, _ backoff: AcceptBackoff) async throws -> any Channel {
        let isTCP = address.path == nil
        let bootstrap = ServerBootstrap(group: eventLoopGroup)
            .serverChannelOption(.backlog, value: Int32(clamping: options.backlog))
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(backoff) }
            }
            .childChannelInitializer { channel in
                channel.closeFuture.whenComplete { _ in backoff.connectionClosed() }
                return acceptor.accept(channel, isTCP: isTCP)
            }
        if let path = address.path {
            return try await bootstrap.bind(unixDomainSocketPath: path).get()
        }
        return
            try await bootstrap
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(to: try await socketAddress()).get()
    }
}
