import NIOCore
import NIOSSL
import Synchronization

/// Makes connections of a server out of channels that it has accepted.
final class ServerAcceptor: Sendable {
    private let service: ServerService
    private let maxConnections: Int
    private let connectionConfig: HTTP2ConnectionConfig
    private let reporter: LimitReporter
    private let tls: TLSContextSource?
    private let lifecycle: ServerLifecycle
    /// One for each event loop.
    private let schedulers = Mutex<[ObjectIdentifier: LoopScheduler]>([:])

    init(
        service: ServerService,
        config: Nghttp2ServerTransport.Config,
        security: Nghttp2ServerTransport.TransportSecurity,
        tls: TLSContextSource?,
        lifecycle: ServerLifecycle
    ) {
        self.service = service
        self.maxConnections = config.maxConnections
        self.reporter = LimitReporter(side: .server, logger: service.logger)
        self.connectionConfig = HTTP2ConnectionConfig(config, security, reporter: self.reporter)
        self.tls = tls
        self.lifecycle = lifecycle
    }

    /// Called on the channel's event loop.
    func accept(_ channel: any Channel, isTCP: Bool) -> EventLoopFuture<Void> {
        guard let tls = self.tls else {
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
        let calls = ServerConnection(service: self.service, scheduler: scheduler) { [lifecycle] in
            lifecycle.finished($0)
        }
        let connection = HTTP2Connection(config: self.connectionConfig, scheduler: scheduler, delegate: calls)
        switch self.lifecycle.accept(calls, connection, maxConnections: self.maxConnections) {
        case .accepted:
            break
        case .full:
            connection.limitLog.report(.connections, peer: "", "there are \(self.maxConnections) connections already")
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
            self.lifecycle.finished(calls)
            throw error
        }
    }

    private func scheduler(of loop: any EventLoop) -> LoopScheduler {
        self.schedulers.withLock { schedulers in
            let key = ObjectIdentifier(loop)
            if let scheduler = schedulers[key] { return scheduler }
            let scheduler = LoopScheduler(loop: loop, reporter: self.reporter)
            schedulers[key] = scheduler
            return scheduler
        }
    }
}

extension HTTP2ConnectionConfig {
    convenience init(
        _ config: Nghttp2ServerTransport.Config,
        _ security: Nghttp2ServerTransport.TransportSecurity,
        reporter: LimitReporter
    ) {
        self.init(
            role: .server(maxConcurrentStreams: config.maxConcurrentCallsPerConnection),
            security: security.tls.map { tls in
                let trusted = TLSExpectation(trusted: tls.trustRoots.summary, optionNames: tls.optionNames)
                return .tls(requireALPN: tls.requireALPN, expectation: trusted)
            } ?? .plaintext,
            limits: config.limits,
            times: ConnectionTimes(
                keepaliveTime: config.keepalive.time,
                keepaliveTimeout: config.keepalive.timeout,
                keepaliveWithoutCalls: true,
                maxIdle: config.maxConnectionIdle,
                maxAge: config.maxConnectionAge,
                maxAgeGrace: config.maxConnectionAgeGrace,
                handshakeTimeout: config.limits.handshakeTimeout,
                writeTimeout: config.limits.writeTimeout
            ),
            pings: Pings(
                minInterval: config.keepalive.minPingInterval,
                allowWithoutCalls: config.keepalive.allowPingsWithoutCalls
            ),
            acceptedEncodings: config.compression.acceptedEncodings,
            reporter: reporter
        )
    }
}
