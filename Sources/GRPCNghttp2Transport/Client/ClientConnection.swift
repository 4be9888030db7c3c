package import GRPCCore
package import Logging
package import ServiceKitHTTP2
package import NIOCore
import NIOPosix

/// A client's connection to one address, made and made again for as long as it runs: an `HTTP2Client`, seen as GRPCCore
/// sees it.
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

        init(_ state: HTTP2Client.State) {
            self =
                switch state {
                case .idle: .idle
                case .connecting: .connecting
                case .ready: .ready
                case .transientFailure(let error):
                    .transientFailure(
                        RPCError(code: .unavailable, message: error.description, cause: CallNotProcessed())
                    )
                case .shutdown: .shutdown
                }
        }
    }

    private let client: HTTP2Client
    private let messages: MessageOptions

    /// The version of this transport, as its user agent tells it.
    private static let userAgent = "grpc-swift-nghttp2/0.2.0"

    /// Creates a connection, which does nothing before `run`.
    ///
    /// - Parameters:
    ///   - address: The address of the server.
    ///   - transportSecurity: Whether the connections are encrypted.
    ///   - authority: The `:authority` of the calls, and the name that TLS asks for and verifies. Default: the host and
    ///     port of the address.
    ///   - config: The configuration.
    ///   - eventLoopGroup: Runs the connections.
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
        let messages = MessageOptions(config)
        let authority = authority ?? address.authority
        var options = HTTP2Client.Options(config)
        options.commonFields = .requests(
            scheme: transportSecurity.isEncrypted ? "https" : "http",
            authority: authority,
            userAgent: Self.userAgent,
            accepting: messages.readableEncodings
        )
        self.messages = messages
        client = HTTP2Client(
            address: address,
            security: transportSecurity,
            authority: authority,
            options: options,
            eventLoopGroup: eventLoopGroup,
            logger: logger,
            onStateChange: { onStateChange(State($0)) }
        )
    }

    package var address: TransportAddress { client.address }

    /// Runs tasks on the event loop of the connections.
    package var executor: any TaskExecutor { client.executor }

    /// Whether `makeStream` would succeed now.
    package var isReady: Bool { client.isReady }

    /// Makes a call. It is on its way when its metadata is written.
    ///
    /// - Parameters:
    ///   - descriptor: The method to call.
    ///   - deadline: When the call is to fail with `deadlineExceeded`. It is sent as `grpc-timeout`, unless the metadata
    ///     has that already.
    ///   - options: Only the message sizes and the compression in here count.
    /// - Returns: The call; `cancel` it when done with it.
    /// - Throws: `unavailable`, with cause ``CallNotProcessed``, if there is no connection now.
    package func makeStream(
        descriptor: MethodDescriptor,
        deadline: ContinuousClock.Instant? = nil,
        options: CallOptions = .defaults
    ) throws(RPCError) -> ClientStream {
        let timeout = deadline.map { NIODeadline.now() + ContinuousClock.now.duration(to: $0) }
        let request: HTTP2Client.Request
        do throws(HTTP2Client.NotReady) {
            request = try client.makeStream(deadline: timeout)
        } catch {
            throw unavailable(State(error.state))
        }
        request.stream.setDecoder(MessageDeframer(maxMessageBytes: messages.maxBytes))
        return ClientStream(
            descriptor: descriptor,
            stream: request.stream,
            deadline: deadline,
            options: options,
            messages: messages,
            remotePeer: request.connection.remotePeer,
            localPeer: request.connection.localPeer
        )
    }

    private func unavailable(_ state: State) -> RPCError {
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

    /// Connects, and connects again, until the connection was shut down and its last call has ended. If the task is
    /// cancelled, calls that are open fail with `cancelled` and it returns at once.
    package func run() async {
        await client.run()
    }

    /// Takes no new calls; when the open ones have ended, `run` returns.
    package func beginGracefulShutdown() {
        client.beginGracefulShutdown()
    }

    /// Connects now, if the next attempt waits for its time, and forgets the attempts that failed.
    package func resetBackoff() {
        client.resetBackoff()
    }
}

extension HTTP2Client.Options {
    /// The engine's side of a client's configuration.
    init(_ config: ClientTransportConfig) {
        self.init()
        limits = config.limits
        backoff = config.backoff
        connectTimeout = config.connectTimeout
        maxConnections = config.maxConnections
        maxConnectionIdle = config.maxConnectionIdle
        maxQueuedRequests = config.maxQueuedCalls
        keepaliveTime = config.keepalive.time
        keepaliveTimeout = config.keepalive.timeout
        keepaliveWithoutCalls = config.keepalive.allowWithoutCalls
        resolver = config.resolver
    }
}
