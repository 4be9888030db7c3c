import Logging
import NIOCore
import NIOPosix
import NIOSSL
import ServiceKitTestSupport
import Synchronization
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// The events of a connection of the engine, for tests that speak HTTP/2 themselves.
// @unchecked: only closures and a lock.
final class RawDelegate: HTTP2ConnectionDelegate {
    private let ready = Mutex(false)
    private let closeReason = Mutex<String?>(nil)
    private let draining = Mutex<String?>(nil)
    private let onStream: @Sendable (HTTP2Stream, HeaderBlock?) -> Void

    var isReady: Bool { ready.withLock { $0 } }
    var closedReason: String? { closeReason.withLock { $0 } }
    var drainingReason: String? { draining.withLock { $0 } }

    init(onStream: @escaping @Sendable (HTTP2Stream, HeaderBlock?) -> Void = { _, _ in }) {
        self.onStream = onStream
    }

    func connectionReady(_ connection: HTTP2Connection) {
        ready.withLock { $0 = true }
    }

    func connection(_ connection: HTTP2Connection, opened stream: HTTP2Stream, headers: HeaderBlock?) {
        stream.readsMessages()
        onStream(stream, headers)
    }

    func connectionReadComplete(_ connection: HTTP2Connection) {}

    func connection(_ connection: HTTP2Connection, isDraining reason: String) {
        draining.withLock { $0 = reason }
    }

    func connection(_ connection: HTTP2Connection, closed reason: String) {
        closeReason.withLock { $0 = reason }
    }
}

/// A server whose streams the test handles.
struct RawHTTP2Server: Sendable {
    let address: TransportAddress
    let channel: any Channel
    /// The channels of the accepted connections.
    let accepted: Accepted

    final class Accepted: Sendable {
        private let channels = Mutex<[(channel: any Channel, http2: HTTP2Connection)]>([])

        func append(_ channel: any Channel, _ http2: HTTP2Connection) {
            channels.withLock { $0.append((channel, http2)) }
        }

        var count: Int { channels.withLock { $0.count } }
        var openCount: Int { channels.withLock { $0.count { $0.channel.isActive } } }
        var first: HTTP2Connection? { channels.withLock { $0.first?.http2 } }

        /// Closes the first connection without a goodbye.
        func killFirst() {
            channels.withLock { $0.first?.channel }?.close(promise: nil)
        }

        /// Reads nothing more from the present connections.
        func stopReading() async throws {
            for (channel, _) in channels.withLock({ $0 }) {
                try await channel.setOption(.autoRead, value: false).get()
            }
        }

        /// Closes the connections without a goodbye.
        func kill() {
            for (channel, _) in channels.withLock({ $0 }) {
                channel.close(promise: nil)
            }
        }
    }

    static func run<Result: Sendable>(
        limits: TransportLimits = .defaults,
        maxConcurrentStreams: Int = 100,
        tls: NIOSSLContext? = nil,
        closingConnection closed: Int? = nil,
        onStream: @escaping @Sendable (HTTP2Stream, HeaderBlock?) -> Void,
        _ body: (RawHTTP2Server) async throws -> Result
    ) async throws -> Result {
        let accepted = Accepted()
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let connection = HTTP2Connection(
                        config: .test(role: .server(maxConcurrentStreams: maxConcurrentStreams), limits: limits),
                        scheduler: LoopScheduler(loop: channel.eventLoop),
                        delegate: RawDelegate(onStream: onStream)
                    )
                    accepted.append(channel, connection)
                    // Before a byte is written.
                    if accepted.count == closed { throw ChannelError.alreadyClosed }
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls))
                    }
                    try channel.pipeline.syncOperations.addHandler(connection)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let server = RawHTTP2Server(
            address: channel.localAddress.flatMap(TransportAddress.init) ?? .anyPort,
            channel: channel,
            accepted: accepted
        )
        let result: Result
        do {
            result = try await body(server)
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
        return result
    }

    func stop() async {
        try? await channel.close().get()
        accepted.kill()
    }
}

/// A client that can send any header block.
struct RawHTTP2Client: Sendable {
    let http2: HTTP2Connection
    let channel: any Channel
    let delegate: RawDelegate

    static func run<Result: Sendable>(
        _ address: TransportAddress,
        limits: TransportLimits = .defaults,
        times: ConnectionTimes? = nil,
        maxQueuedRequests: Int = 100,
        tls: NIOSSLContext? = nil,
        _ body: (RawHTTP2Client) async throws -> Result
    ) async throws -> Result {
        let delegate = RawDelegate()
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let http2 = HTTP2Connection(
            config: .test(
                role: .client(maxQueuedRequests: maxQueuedRequests),
                security: tls == nil ? .plaintext : .tls(requireALPN: true, expectation: TLSExpectation()),
                limits: limits,
                times: times
            ),
            scheduler: LoopScheduler(loop: loop),
            delegate: delegate
        )
        let channel = try await ClientBootstrap(group: loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: tls, serverHostname: "test.example")
                        )
                    }
                    try channel.pipeline.syncOperations.addHandler(http2)
                }
            }
            .connect(to: SocketAddress(ipAddress: address.host ?? "", port: address.port ?? 0)).get()
        try await eventually { delegate.isReady || delegate.closedReason != nil }
        if let reason = delegate.closedReason {
            Issue.record("the connection was closed before it was ready: \(reason)")
        }
        let result: Result
        do {
            result = try await body(RawHTTP2Client(http2: http2, channel: channel, delegate: delegate))
        } catch {
            try? await channel.close().get()
            throw error
        }
        try? await channel.close().get()
        return result
    }

    /// Opens a stream with exactly these header fields.
    func open(_ fields: KeyValuePairs<String, String>, endStream: Bool = false) throws -> HTTP2Stream {
        let stream = http2.makeStream(deadline: nil)
        stream.readsMessages()
        try stream.send(head: HeaderBlock(fields), prefix: .none, endStream: endStream)
        return stream
    }

    /// Opens a stream for a call of `method`.
    func open(method: String) throws -> HTTP2Stream {
        let stream = http2.makeStream(deadline: nil)
        stream.readsMessages()
        try stream.send(head: HeaderBlock([":path": "/\(RawService.name)/\(method)"]), prefix: .common)
        return stream
    }
}

extension HTTP2ConnectionConfig {
    static func test(
        role: Role,
        security: Security = .plaintext,
        limits: TransportLimits,
        times: ConnectionTimes? = nil
    ) -> HTTP2ConnectionConfig {
        HTTP2ConnectionConfig(
            role: role,
            security: security,
            limits: limits,
            times: times ?? ConnectionTimes(writeTimeout: limits.writeTimeout),
            commonFields: role.isServer
                ? .responses(accepting: .all)
                : .requests(scheme: "http", authority: "test", userAgent: "test", accepting: .all),
            reporter: LimitReporter(side: .server, logger: Logger(label: "test"))
        )
    }
}

extension HTTP2ConnectionConfig.Role {
    fileprivate var isServer: Bool {
        if case .server = self { true } else { false }
    }
}

extension HTTP2Stream {
    /// Cuts the arriving bytes into messages of at most 4 MiB.
    func readsMessages() {
        setDecoder(MessageDeframer(maxMessageBytes: 4 << 20))
    }

    func send(message: [UInt8]) async throws {
        try await self.send(BodyPiece(message: message))
    }
}

extension HeaderBlock {
    /// The fields as strings.
    var fields: [String: String] {
        var fields: [String: String] = [:]
        forEach { name, value in
            fields[String(decoding: name, as: UTF8.self)] = String(decoding: value, as: UTF8.self)
        }
        return fields
    }
}
