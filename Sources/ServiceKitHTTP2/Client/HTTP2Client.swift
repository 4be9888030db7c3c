package import Logging
package import NIOCore
import NIOPosix
import Synchronization

/// The connections of a client to one address, made and made again for as long as the client runs. In gRPC's terms, it is
/// a subchannel.
///
/// One connection takes the requests until it has as many as the server allows; then another one is made, up to a bound.
/// When the server says that it is going away, a connection keeps the requests it has and closes after them, while a new
/// one is made at once. All of them run on one event loop.
package final class HTTP2Client: Sendable {
    /// Whether requests can be made.
    package enum State: Sendable {
        /// `run` was not called yet.
        case idle
        case connecting
        case ready
        /// The last attempt failed, or the connection was lost, with this error; the next attempt waits its time.
        case transientFailure(ConnectError)
        /// No requests can be made any more.
        case shutdown
    }

    /// No connection takes a request now.
    package struct NotReady: Error {
        package let state: State
    }

    /// A stream, and the connection that it is made on.
    package typealias Request = (stream: HTTP2Stream, connection: ReadyConnection)

    package struct Options: Sendable {
        package var limits = TransportLimits.defaults
        package var commonFields: CommonFields?
        package var backoff = ConnectionBackoff.defaults
        /// The limit of an attempt, from the look-up of a name until the server's settings.
        package var connectTimeout = Duration.seconds(20)
        /// The number of connections. Default: 4.
        package var maxConnections = 4
        /// How long a connection beyond the first may be without requests before it is closed.
        package var maxConnectionIdle = Duration.seconds(300)
        /// How many requests wait on a connection for the server to allow one more.
        package var maxQueuedRequests = 1000
        /// How long nothing may come from the server before it is pinged; `nil` for never.
        package var keepaliveTime: Duration?
        /// How long the server may take to answer a ping.
        package var keepaliveTimeout = Duration.seconds(20)
        /// Whether to ping while there are no requests.
        package var keepaliveWithoutCalls = false
        package var resolver = NameResolver.shared

        package init() {}
    }

    package let address: TransportAddress

    private let options: Options
    private let tls: ClientTLS?
    private let scheduler: LoopScheduler
    private let reporter: LimitReporter
    private let logger: Logger
    private let onStateChange: @Sendable (State) -> Void
    private let machine: Mutex<ClientStateMachine>

    /// Creates a client, which does nothing before `run`.
    ///
    /// - Parameters:
    ///   - address: The address of the server.
    ///   - security: Whether the connections are encrypted.
    ///   - authority: The name that TLS asks for and verifies, with or without a port.
    ///   - options: The options.
    ///   - eventLoopGroup: Gives the event loop of the connections.
    ///   - logger: Gets a warning when a bound bites, and a line for each change of the state at debug level.
    ///   - onStateChange: Called for each change of the state, one at a time and in order. It may call anything here.
    package init(
        address: TransportAddress,
        security: ClientTransportSecurity,
        authority: String,
        options: Options,
        eventLoopGroup: any EventLoopGroup,
        logger: Logger,
        onStateChange: @escaping @Sendable (State) -> Void
    ) {
        self.address = address
        self.options = options
        tls = security.tls.map { ClientTLS($0, authority: authority, logger: logger) }
        scheduler = LoopScheduler(loop: eventLoopGroup.next())
        reporter = LimitReporter(side: .client, logger: logger)
        self.logger = logger
        self.onStateChange = onStateChange
        machine = Mutex(ClientStateMachine(address: address, options: options))
    }

    /// Runs tasks on the event loop of the connections.
    package var executor: any TaskExecutor { scheduler }

    /// Whether `makeStream` would succeed now.
    package var isReady: Bool {
        machine.withLock { $0.first?.http2.takesCalls ?? false }
    }

    /// Makes a stream for a request. It is opened when its head is sent.
    ///
    /// - Parameter deadline: When the stream fails with `deadlineExceeded`; `nil` for never.
    /// - Returns: The stream, and its connection; reset the stream when done with it, however it ended.
    /// - Throws: ``NotReady`` if no connection takes a request now.
    package func makeStream(deadline: NIODeadline?) throws(NotReady) -> Request {
        // Under the lock: the machine drops a connection without requests before the connection is closed.
        let (request, isExtraWanted) = machine.withLock { machine -> (Result<Request, NotReady>, Bool) in
            let (connection, isExtraWanted) = machine.connectionForRequest()
            guard let connection else { return (.failure(NotReady(state: machine.state)), isExtraWanted) }
            return (.success((connection.http2.makeStream(deadline: deadline), connection)), isExtraWanted)
        }
        if isExtraWanted {
            // Elsewhere, as the caller may hold a lock that a change of state would take.
            scheduler.loop.execute { self.connect(isExtra: true) }
        }
        return try request.get()
    }

    // MARK: - Running

    /// Connects, and connects again, until the client was shut down and its last request has ended. If the task is
    /// cancelled, open streams fail with `cancelled` and it returns at once.
    package func run() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                update { $0.run(continuation) }
            }
        } onCancel: {
            update { $0.shutDown(closingCalls: true) }
        }
    }

    /// Takes no new requests; when the open ones have ended, `run` returns.
    package func beginGracefulShutdown() {
        update { $0.shutDown(closingCalls: false) }
    }

    /// Connects now, if the next attempt waits for its time, and forgets the attempts that failed.
    package func resetBackoff() {
        update { $0.resetBackoff() }
    }

    private func update(_ change: (inout ClientStateMachine) -> [ClientStateMachine.Action]) {
        for action in machine.withLock({ change(&$0) }) {
            switch action {
            case .connect:
                connect(isExtra: false)
            case .connectExtra:
                connect(isExtra: true)
            case .handOver(let others, let http2):
                scheduler.loop.execute {
                    for other in others { other.handOverRequests(to: http2) }
                    self.update { $0.requestsWereHandedOver() }
                }
            case .scheduleAttempt(let number, let delay):
                scheduler.loop.scheduleTask(in: TimeAmount(delay)) { [weak self] in
                    self?.update { $0.attemptIsDue(number) }
                }
            case .scheduleExtraAttempt(let delay):
                // A little later than the wait, which is kept by another clock.
                scheduler.loop.scheduleTask(in: TimeAmount(delay) + .milliseconds(1)) { [weak self] in
                    self?.update { $0.extraAttemptIsDue() }
                }
            case .drain(let http2):
                http2.beginGracefulShutdown()
            case .close(let http2):
                http2.close(.cancelled, reason: "the client was stopped")
            case .report:
                report()
            case .finish(let runner):
                runner.resume()
            }
        }
    }

    /// Reports the changes that wait to be reported, unless another thread does so already.
    private func report() {
        var isContinuing = false
        while let state = machine.withLock({ $0.nextReport(isContinuing: isContinuing) }) {
            isContinuing = true
            logger.debug("connection changed state", metadata: ["address": "\(address)", "state": "\(state)"])
            onStateChange(state)
        }
    }

    // MARK: - Connecting

    private func connect(isExtra: Bool) {
        let loop = scheduler.loop
        let http2 = HTTP2Connection(
            config: connectionConfig(isExtra: isExtra),
            scheduler: scheduler,
            delegate: ClientDelegate { http2, event in self.update { $0.handle(event, of: http2) } }
        )
        update { isExtra ? $0.extraAttemptBegan(http2) : $0.attemptBegan(http2) }
        let timeout = options.connectTimeout
        // A name may be tried at several addresses at once, each with a channel of its own; the connection gets the one
        // that is first.
        let channel = makeChannel(within: timeout)
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
        // A little later than a look-up of a name gives up: its error says more of the reason. On the loop, behind the
        // look-up's callbacks: a loop that was held up meets both limits at once.
        loop.execute {
            // By its number, as one weak reference to a connection would make all others slow.
            loop.scheduleTask(in: TimeAmount(timeout) + .milliseconds(1)) { [weak self, id = http2.id] in
                self?.update { $0.attemptTimedOut(id, after: timeout) }
            }
        }
    }

    /// Opens a channel to the address, or to one of the addresses of its name.
    private func makeChannel(within timeout: Duration) -> EventLoopFuture<any Channel> {
        let loop = scheduler.loop
        if let path = address.path {
            return Self.bootstrap(on: loop, within: timeout).connect(unixDomainSocketPath: path)
        }
        if let address = address.ipAddress {
            return Self.bootstrap(on: loop, within: timeout).noDelay().connect(to: address)
        }
        let (host, port) = (address.host ?? "", address.port ?? 0)
        return options.resolver.addresses(of: host, within: timeout, on: loop).flatMap { addresses in
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
        var times = ConnectionTimes(writeTimeout: options.limits.writeTimeout)
        times.keepaliveTime = machine.withLock { $0.keepaliveTime }
        times.keepaliveTimeout = options.keepaliveTimeout
        times.keepaliveWithoutCalls = options.keepaliveWithoutCalls
        times.maxIdle = isExtra ? options.maxConnectionIdle : nil
        return HTTP2ConnectionConfig(
            role: .client(maxQueuedRequests: options.maxQueuedRequests),
            security: tls.map { .tls(requireALPN: true, expectation: $0.expectation) } ?? .plaintext,
            limits: options.limits,
            times: times,
            commonFields: options.commonFields,
            reporter: reporter
        )
    }
}

extension ClientBootstrap {
    fileprivate func noDelay() -> Self {
        channelOption(.tcpOption(.tcp_nodelay), value: 1)
    }
}
