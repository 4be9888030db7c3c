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
        let scheduler = self.scheduler(of: channel.eventLoop)
        let requests = ServerConnection(
            handler: handler,
            maxConcurrentStreams: config.maxConcurrentStreams,
            executor: self.options.runsOnEventLoop ? scheduler : nil,
            logger: logger
        ) { [lifecycle] in
            lifecycle.finished($0)
        }
        let connection = HTTP2Connection(config: config, scheduler: scheduler, delegate: requests)
        let maxConnections = self.options.maxConnections
        switch lifecycle.accept(requests, connection, maxConnections: maxConnections) {
        case .accepted:
            break
        case .full:
            connection.limitLog.report(.connections, peer: "", "there are \(maxConnections) connections already")
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
            try channel.pipeline.syncOperations.addHandler(connection)
        } catch {
            lifecycle.finished(requests)
            throw error
        }
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
