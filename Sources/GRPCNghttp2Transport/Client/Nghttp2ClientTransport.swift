public import GRPCCore
public import Logging
public import ServiceKitHTTP2
public import NIOCore
public import NIOPosix
import Synchronization

/// A client transport for `GRPCClient`: one connection to one server, HTTP/2 on libnghttp2 over SwiftNIO.
///
/// ```swift
/// let transport = Nghttp2ClientTransport(target: .ipv4(host: "127.0.0.1", port: 8080))
/// try await withGRPCClient(transport: transport) { client in
///     let greeter = Greeter.Client(wrapping: client)
///     print(try await greeter.sayHello(.with { $0.name = "World" }).message)
/// }
/// ```
///
/// The connection is made when the client runs, and made again when it is lost. A call that comes while it is being
/// made waits. While the server cannot be reached calls fail with `unavailable`, except those whose options have
/// `waitForReady` set.
public final class Nghttp2ClientTransport: ClientTransport {
    /// Messages are arrays of bytes.
    public typealias Bytes = [UInt8]

    /// How a client behaves.
    public typealias Config = ClientTransportConfig

    /// The security of a client's connections.
    public typealias TransportSecurity = ClientTransportSecurity

    /// The limit of retries, from the service configuration.
    public let retryThrottle: RetryThrottle?

    private let connection: ClientConnection
    private let readiness: Readiness
    /// The executor of the closures of calls; `nil` for that of their callers.
    private let executor: (any TaskExecutor)?
    private let methodConfig: [MethodConfig.Name: MethodConfig]

    /// Creates a transport, which does nothing yet.
    ///
    /// - Parameters:
    ///   - target: Where to connect to.
    ///   - transportSecurity: Whether connections are encrypted. Default: no.
    ///   - authority: The `:authority` of calls, and the name that TLS asks for and verifies. Default: the
    ///     host and port of the target.
    ///   - config: How to behave.
    ///   - serviceConfig: Timeouts, retries and other settings of each method.
    ///   - eventLoopGroup: Runs the connection.
    ///   - logger: Gets a warning when a bound bites, and a line for each change of the connection at debug level.
    public init(
        target: TransportAddress,
        transportSecurity: TransportSecurity = .plaintext,
        authority: String? = nil,
        config: Config = .defaults,
        serviceConfig: ServiceConfig = ServiceConfig(),
        eventLoopGroup: any EventLoopGroup = .singletonMultiThreadedEventLoopGroup,
        logger: Logger = Logger(label: "grpc.nghttp2.client")
    ) {
        let readiness = Readiness(maxWaiters: config.maxQueuedCalls)
        self.readiness = readiness
        retryThrottle = serviceConfig.retryThrottling.map { RetryThrottle(policy: $0) }
        var methodConfig: [MethodConfig.Name: MethodConfig] = [:]
        for config in serviceConfig.methodConfig {
            for name in config.names {
                methodConfig[name] = config
            }
        }
        self.methodConfig = methodConfig
        connection = ClientConnection(
            address: target,
            transportSecurity: transportSecurity,
            authority: authority,
            config: config,
            eventLoopGroup: eventLoopGroup,
            logger: logger,
            onStateChange: { readiness.update($0) }
        )
        executor = config.callExecutor == .eventLoop ? connection.executor : nil
    }

    /// Keeps the connection until ``beginGracefulShutdown()`` was called and the last call has ended, or until the task
    /// is cancelled: then calls that are open fail with `cancelled`.
    public func connect() async throws {
        await connection.run()
    }

    /// Takes no new calls; when the last call has ended, ``connect()`` returns.
    public func beginGracefulShutdown() {
        connection.beginGracefulShutdown()
    }

    /// Makes a call. Waits for the connection if it is being made.
    ///
    /// - Parameters:
    ///   - descriptor: The method to call.
    ///   - options: Whether to wait for the server, and how large messages may be.
    ///   - closure: Makes the call; the call is reset if it has not ended when this returns.
    /// - Returns: The result of the closure.
    /// - Throws: The error of the closure; an `RPCError` with code `unavailable` if the server cannot be reached,
    ///   `cancelled` if the task was cancelled in the meantime, `failedPrecondition` if the transport was shut down.
    public func withStream<T: Sendable>(
        descriptor: MethodDescriptor,
        options: CallOptions,
        _ closure: @concurrent (RPCStream<Inbound, Outbound>, ClientContext) async throws -> T
    ) async throws -> T {
        let stream = try await makeStream(descriptor: descriptor, options: options)
        defer { stream.cancel() }
        guard let executor else {
            return try await closure(
                RPCStream(descriptor: descriptor, inbound: stream.inbound, outbound: stream.outbound), stream.context
            )
        }
        return try await withTaskExecutorPreference(executor) {
            try await closure(
                RPCStream(descriptor: descriptor, inbound: stream.inbound, outbound: stream.outbound), stream.context
            )
        }
    }

    /// Whether calls can be made, for a caller that can choose among transports.
    package var state: ClientConnection.State { readiness.state }

    /// Returns when the attempt to connect that is under way has ended, or the task is cancelled; at once if there is none.
    package func waitForAttempt() async {
        // How it ended is `state`'s to tell.
        try? await self.readiness.wait(after: nil, waitForReady: false)
    }

    /// The deadline of the call is not passed on: GRPCCore enforces `options.timeout` around the whole call, this wait
    /// included, and cancels the task.
    private func makeStream(descriptor: MethodDescriptor, options: CallOptions) async throws -> ClientStream {
        var version: Int?
        while true {
            do throws(RPCError) {
                return try connection.makeStream(descriptor: descriptor, options: options)
            } catch {
                // The number is read before the attempt that it is compared for, so that no change is missed.
                if let version {
                    try await readiness.wait(after: version, waitForReady: options.waitForReady ?? false)
                }
                version = readiness.version
            }
        }
    }

    /// A call on the connection as it is now, if there is one.
    func makeStreamNow(descriptor: MethodDescriptor, deadline: ContinuousClock.Instant) -> ClientStream? {
        try? connection.makeStream(descriptor: descriptor, deadline: deadline)
    }

    /// The service configuration of a method.
    ///
    /// - Parameter descriptor: The method.
    /// - Returns: The configuration of the method, else that of its service, else that of all.
    public func config(forMethod descriptor: MethodDescriptor) -> MethodConfig? {
        let service = descriptor.service.fullyQualifiedService
        return methodConfig[MethodConfig.Name(service: service, method: descriptor.method)]
            ?? methodConfig[MethodConfig.Name(service: service, method: "")]
            ?? methodConfig[MethodConfig.Name(service: "", method: "")]
    }
}
