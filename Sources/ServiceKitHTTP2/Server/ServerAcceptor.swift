import Logging
import NIOCore
import NIOSSL
import Synchronization

/// Makes connections of a server out of channels that it has accepted.
final class ServerAcceptor: Sendable {
    private let handler: any RequestHandler
    private let options: HTTP2Server.Options
    private let config: HTTP2ConnectionConfig
    private let tls: TLSContextSource?
    private let lifecycle: ServerLifecycle
    private let logger: Logger
    /// One for each event loop.
    private let schedulers = Mutex<[ObjectIdentifier: LoopScheduler]>([:])

    init(
        handler: any RequestHandler,
        options: HTTP2Server.Options,
        config: HTTP2ConnectionConfig,
        tls: TLSContextSource?,
        lifecycle: ServerLifecycle,
        logger: Logger
    ) {
        self.handler = handler
        self.options = options
        self.config = config
        self.tls = tls
        self.lifecycle = lifecycle
        self.logger = logger
    }

    /// Called on the channel's event loop.
    func accept(_ channel: any Channel, isTCP: Bool) -> EventLoopFuture<Void> {
        guard let tls else {
            return channel.eventLoop.makeCompletedFuture { try self.accept(channel, isTCP: isTCP, tls: nil) }
        }
        return tls.context(on: channel.eventLoop).flatMapThrowing { context in
            try self.accept(channel, isTCP: isTCP, tls: context)
        }
    }

    private func accept(_ channel: any Channel, isTCP: Bool, tls: NIOSSLContext?) throws {
        if isTCP, let options = channel.syncOptions {
            try options.setOption(.tcpOption(.tcp_nodelay), value: 1)
        }
        let accepted = AcceptedConnection(channel)
        switch lifecycle.accept(accepted, maxConnections: options.maxConnections) {
        case .accepted:
            break
        case .full:
            var log = LimitLog(reporter: config.reporter)
            log.report(.connections, peer: "", "there are \(options.maxConnections) connections already")
            channel.close(promise: nil)
            return
        case .late:
            channel.close(promise: nil)
            return
        }
        do {
            if let tls {
                try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls))
            }
            if let http1 = handler.http1 {
                try channel.pipeline.syncOperations.addHandler(detector(accepted, channel, http1, isSecure: tls != nil))
            } else {
                try serveHTTP2(accepted, channel)
            }
        } catch {
            lifecycle.finished(accepted)
            throw error
        }
    }

    /// Has the connection speak HTTP/2.
    private func serveHTTP2(_ accepted: AcceptedConnection, _ channel: any Channel) throws {
        let scheduler = self.scheduler(of: channel.eventLoop)
        let requests = ServerConnection(
            handler: handler,
            maxConcurrentStreams: config.maxConcurrentStreams,
            executor: options.runsOnEventLoop ? scheduler : nil,
            logger: logger,
            onFinish: { [lifecycle] in lifecycle.finished(accepted) }
        )
        let connection = HTTP2Connection(config: config, scheduler: scheduler, delegate: requests)
        accepted.decide(.http2(requests, connection))
        try channel.pipeline.syncOperations.addHandler(connection)
    }

    /// Finds out whether a connection speaks HTTP/2 or HTTP/1.1.
    private func detector(
        _ accepted: AcceptedConnection,
        _ channel: any Channel,
        _ http1: HTTP1Handler,
        isSecure: Bool
    ) -> ProtocolDetector {
        ProtocolDetector(
            isSecure: isSecure,
            timeLimit: config.times.handshakeTimeout.map { TimeAmount($0) },
            onDecision: { [lifecycle, options] decision in
                switch decision {
                case .http2:
                    try self.serveHTTP2(accepted, channel)
                case .http1:
                    let connection = HTTP1Connection(
                        handler: http1,
                        config: self.config,
                        isSecure: isSecure,
                        scheduler: self.scheduler(of: channel.eventLoop),
                        runsOnEventLoop: options.runsOnEventLoop,
                        logger: self.logger,
                        onFinish: { lifecycle.finished(accepted) }
                    )
                    accepted.decide(.http1(connection))
                    try connection.add(to: channel.pipeline.syncOperations)
                }
            },
            onTimeout: { [config] in
                var log = LimitLog(reporter: config.reporter)
                log.report(
                    .handshakeTimeout,
                    peer: channel.remoteAddress.map(TransportAddress.peerDescription) ?? "unknown",
                    "the client did not say in time which protocol it speaks"
                )
            },
            onClose: { [lifecycle] in lifecycle.finished(accepted) }
        )
    }

    private func scheduler(of loop: any EventLoop) -> LoopScheduler {
        schedulers.withLock { schedulers in
            let key = ObjectIdentifier(loop)
            if let scheduler = schedulers[key] { return scheduler }
            let scheduler = LoopScheduler(loop: loop, reporter: config.reporter)
            schedulers[key] = scheduler
            return scheduler
        }
    }
}
