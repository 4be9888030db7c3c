package import GRPCCore
package import Logging
package import NIOCore
import NIOPosix
import Synchronization

/// A client's connection to one address, made and made again for as long as it runs.
///
/// One connection takes the calls until it has as many as the server allows; then another one is made, up to a bound.
/// When the server says that it is going away, a connection keeps the calls it has and closes after them, while a new
/// one is made at once. All of them run on one event loop.
package final class ClientConnection: Sendable {
    /// Whether calls can be made.
    package enum State: Sendable {
        /// `run` was not called yet.
        case idle
        case connecting
        case ready
        /// The last attempt failed, or the connection was lost, with this error; the next attempt waits its time.
        case transientFailure(RPCError)
        /// No calls can be made any more.
        case shutdown
    }

    /// Where it connects to.
    package let address: TransportAddress

    private let authority: String
    private let config: ClientTransportConfig
    private let tls: ClientTLS?
    private let scheduler: LoopScheduler
    private let reporter: LimitReporter
    private let logger: Logger
    private let onStateChange: @Sendable (State) -> Void
    private let machine: Mutex<ClientConnectionMachine>

    /// The version of this transport, as its user agent tells it.
    private static let userAgent = "grpc-swift-nghttp2/0.1.0"

    /// Creates a connection, which does nothing before `run`.
    ///
    /// - Parameters:
    ///   - address: Where to connect to.
    ///   - transportSecurity: Whether the connections are encrypted.
    ///   - authority: What the calls carry as `:authority`, and the name that TLS asks for and verifies. Default: the
    ///     host and port of the address.
    ///   - config: How to behave.
    ///   - eventLoopGroup: What runs the connections.
    ///   - logger: Gets a warning when a bound bites, and a line for each connection made or lost at debug level.
    ///   - onStateChange: Called for each change of the state, one at a time and in order. It may call anything here.
    package init(
        address: TransportAddress,
        transportSecurity: ClientTransportSecurity = .plaintext,
        authority: String? = nil,
        config: ClientTransportConfig = .defaults,
        eventLoopGroup: any EventLoopGroup = .singletonMultiThreadedEventLoopGroup,
        logger: Logger = Logger(label: "grpc.nghttp2.client"),
        onStateChange: @escaping @Sendable (State) -> Void = { _ in }
    ) {
        self.address = address
        self.authority = authority ?? address.authority
        self.config = config
        self.tls = transportSecurity.tls.map {
            ClientTLS($0, authority: authority ?? address.authority, logger: logger)
        }
        self.scheduler = LoopScheduler(loop: eventLoopGroup.next())
        self.reporter = LimitReporter(side: .client, logger: logger)
        self.logger = logger
        self.onStateChange = onStateChange
        self.machine = Mutex(ClientConnectionMachine(address: address, config: config))
    }

    /// Runs tasks on the event loop of the connections.
    package var executor: any TaskExecutor { self.scheduler }

    /// Whether `makeStream` would succeed now.
    package var isReady: Bool {
        self.machine.withLock { $0.readyLink?.http2.takesCalls ?? false }
    }

    /// Makes a call. It is on its way when its metadata is written.
    ///
    /// - Parameters:
    ///   - descriptor: The method to call.
    ///   - deadline: When the call is to fail with `deadlineExceeded`. It is sent as `grpc-timeout`, unless the metadata
    ///     has that already.
    ///   - options: Only the message sizes in here count.
    /// - Returns: The call; `cancel` it when done with it.
    /// - Throws: `unavailable`, with cause ``CallNotProcessed``, if there is no connection now.
    package func makeStream(
        descriptor: MethodDescriptor,
        deadline: ContinuousClock.Instant? = nil,
        options: CallOptions = .defaults
    ) throws(RPCError) -> ClientStream {
        let timeout = deadline.map { NIODeadline.now() + ContinuousClock.now.duration(to: $0) }
        // Under the lock: a connection that is to be closed as it has no calls is taken out first.
        let (call, isExtraWanted, state) = self.machine.withLock { machine in
            let (link, isExtraWanted) = machine.linkForCall()
            let call = link.map { (link: $0, stream: $0.http2.makeStream(deadline: timeout)) }
            return (call, isExtraWanted, machine.state)
        }
        if isExtraWanted {
            // Elsewhere, as the caller may hold a lock that a change of state would take.
            self.scheduler.loop.execute { self.connect(isExtra: true) }
        }
        guard let (link, stream) = call else {
            throw Self.unavailable(state, self.address)
        }
        return ClientStream(
            descriptor: descriptor,
            stream: stream,
            deadline: deadline,
            options: options,
            encoding: MessageEncoding(options.compression ?? self.config.compression.algorithm),
            remotePeer: link.remotePeer,
            localPeer: link.localPeer
        )
    }

    private static func unavailable(_ state: State, _ address: TransportAddress) -> RPCError {
        switch state {
        case .transientFailure(let error):
            error
        case .idle, .connecting, .ready:
            RPCError(code: .unavailable, message: "there is no connection to \(address) yet", cause: CallNotProcessed())
        case .shutdown:
            RPCError(
                code: .unavailable, message: "the connection to \(address) was shut down", cause: CallNotProcessed()
            )
        }
    }

    // MARK: Running

    /// Connects, and connects again, until the connection was shut down and its last call has ended. If the task is
    /// cancelled, calls that are open fail with `cancelled` and it returns at once.
    package func run() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                self.update { $0.run(continuation) }
            }
        } onCancel: {
            self.update { $0.shutDown(closingCalls: true) }
        }
    }

    /// Takes no new calls; when those that are open have ended, `run` returns.
    package func beginGracefulShutdown() {
        self.update { $0.shutDown(closingCalls: false) }
    }

    /// Connects now, if the next attempt waits for its time, and forgets the attempts that failed.
    package func resetBackoff() {
        self.update { $0.resetBackoff() }
    }

    private func update(_ change: (inout ClientConnectionMachine) -> [ClientConnectionMachine.Action]) {
        for action in self.machine.withLock({ change(&$0) }) {
            switch action {
            case .connect:
                self.connect(isExtra: false)
            case .connectExtra:
                self.connect(isExtra: true)
            case .handOver(let others, let http2):
                self.scheduler.loop.execute {
                    for other in others { other.handOverRequests(to: http2) }
                    self.update { $0.requestsWereHandedOver() }
                }
            case .scheduleAttempt(let number, let delay):
                self.scheduler.loop.scheduleTask(in: TimeAmount(delay)) { [weak self] in
                    self?.update { $0.attemptIsDue(number) }
                }
            case .drain(let http2):
                http2.beginGracefulShutdown()
            case .close(let http2):
                http2.close(.cancelled, reason: "the client was stopped")
            case .report:
                self.report()
            case .finish(let runner):
                runner.resume()
            }
        }
    }

    /// Reports what there is to be reported, unless another thread is about it.
    private func report() {
        var isContinuing = false
        while let state = self.machine.withLock({ $0.nextReport(isContinuing: isContinuing) }) {
            isContinuing = true
            self.logger.debug(
                "connection changed state", metadata: ["address": "\(self.address)", "state": "\(state)"]
            )
            self.onStateChange(state)
        }
    }

    // MARK: Connecting

    private func connect(isExtra: Bool) {
        let loop = self.scheduler.loop
        let http2 = HTTP2Connection(
            config: self.connectionConfig(isExtra: isExtra),
            scheduler: self.scheduler,
            delegate: ClientLinkDelegate { http2, event in self.update { $0.handle(event, of: http2) } }
        )
        self.update { isExtra ? $0.extraAttemptBegan(http2) : $0.attemptBegan(http2) }
        let timeout = self.config.connectTimeout
        // A name may be tried at several addresses at once, each with a channel of its own; the connection gets the one
        // that is first.
        let channel = self.makeChannel(within: timeout)
        // By its number, as one weak reference to a connection would make all others slow. A little later than a look-up
        // of a name gives up, which says more of the reason.
        loop.scheduleTask(in: TimeAmount(timeout) + .milliseconds(1)) { [weak self, id = http2.id] in
            self?.update { $0.attemptTimedOut(id, after: timeout) }
        }
        channel.flatMap { [tls] channel in
            let loop = channel.eventLoop
            let context = tls.map { $0.context(on: loop).map(Optional.some) } ?? loop.makeSucceededFuture(nil)
            return context.flatMapThrowing { context in
                if let tls, let context {
                    try channel.pipeline.syncOperations.addHandler(tls.makeHandler(context))
                }
                try channel.pipeline.syncOperations.addHandler(http2)
            }
            .flatMap { channel.setOption(.autoRead, value: true) }
            .flatMapErrorThrowing { error in
                channel.close(promise: nil)
                throw error
            }
        }.whenFailure { error in
            self.update { $0.handle(.closed(ConnectionError.reason(error)), of: http2) }
        }
    }

    /// Opens a channel to the address, or to one of those that its name stands for.
    private func makeChannel(within timeout: Duration) -> EventLoopFuture<any Channel> {
        let loop = self.scheduler.loop
        if let path = self.address.path {
            return Self.bootstrap(on: loop, within: timeout).connect(unixDomainSocketPath: path)
        }
        if let address = self.address.ipAddress {
            return Self.bootstrap(on: loop, within: timeout).noDelay().connect(to: address)
        }
        let (host, port) = (self.address.host ?? "", self.address.port ?? 0)
        return self.config.resolver.addresses(of: host, within: timeout, on: loop).flatMap { addresses in
            Self.bootstrap(on: loop, within: timeout).noDelay()
                .resolver(KnownAddresses(addresses, port: port, on: loop))
                .connect(host: host, port: port)
        }
    }

    private static func bootstrap(on loop: any EventLoop, within timeout: Duration) -> ClientBootstrap {
        ClientBootstrap(group: loop)
            .connectTimeout(TimeAmount(timeout))
            // Nothing is read before the connection has the channel, as it would be lost.
            .channelOption(.autoRead, value: false)
    }

    private func connectionConfig(isExtra: Bool) -> HTTP2ConnectionConfig {
        HTTP2ConnectionConfig(
            role: .client(
                authority: self.authority, userAgent: Self.userAgent, maxQueuedRequests: self.config.maxQueuedCalls
            ),
            security: self.tls.map { .tls(requireALPN: true, expectation: $0.expectation) } ?? .plaintext,
            limits: self.config.limits,
            times: ConnectionTimes(
                keepaliveTime: self.machine.withLock { $0.keepaliveTime },
                keepaliveTimeout: self.config.keepalive.timeout,
                keepaliveWithoutCalls: self.config.keepalive.allowWithoutCalls,
                maxIdle: isExtra ? self.config.maxConnectionIdle : nil,
                writeTimeout: self.config.limits.writeTimeout
            ),
            acceptedEncodings: self.config.compression.acceptedEncodings,
            reporter: self.reporter
        )
    }
}

extension ClientBootstrap {
    fileprivate func noDelay() -> Self {
        self.channelOption(.tcpOption(.tcp_nodelay), value: 1)
    }
}
