import GRPCCore
import NIOCore
import NIOPosix
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// Each bound of a server against a hostile client: each hit is counted, and logged once for a connection.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct ServerLimitsTests {
    private typealias Config = Nghttp2ServerTransport.Config

    private static let hang: RawHandler = { _, _ in
        try await untilCancelled()
        return StreamingServerResponse(of: [UInt8].self) { _ in [:] }
    }

    /// A handler that sends without end.
    private static let pour: RawHandler = { _, _ in
        StreamingServerResponse { writer in
            while true { try await writer.write(Array(repeating: 0, count: 1_000_000)) }
        }
    }

    init() {
        RecordedMetrics.record()
    }

    /// The server's answer, until it closes the connection or `isEnough` says so.
    private func exchange(
        _ limit: Limit,
        hits: Int64,
        _ bytes: [UInt8],
        configure: (inout Config) -> Void,
        until isEnough: @escaping @Sendable ([(type: UInt8, flags: UInt8, stream: UInt8)]) -> Bool = { _ in false }
    ) async throws -> [(type: UInt8, flags: UInt8, stream: UInt8)] {
        let log = LogRecorder()
        let handlers = ["Hang": Self.hang, "Echo": RawService.echo]
        let before = RecordedMetrics.serverHits(limit)
        let received = try await withSecureServer(
            .plaintext, handlers, config: .defaults(configure: configure), logger: log.logger()
        ) { _, address in
            try await Frames.exchange(address, bytes) { isEnough(Frames.summary($0)) }
        }
        // Other tests count in the same metrics.
        #expect(RecordedMetrics.serverHits(limit) >= before + hits)
        #expect(log.warnings.map { $0.metadata["limit"] } == [limit.rawValue])
        return Frames.summary(received)
    }

    private static func requests(_ fields: [(String, String)]) -> [UInt8] {
        Frames.preface + Frames.settings
            + Frames.request(stream: 1, method: "Echo", fields) + Frames.request(stream: 3, method: "Echo", fields)
    }

    /// Two calls with a message each.
    private static func messages(_ method: String, bytes: UInt8) -> [UInt8] {
        let message: [UInt8] = [0, 0, 0, 0, bytes] + Array(repeating: 0, count: Int(bytes))
        var frames = Frames.preface + Frames.settings
        for stream: UInt8 in [1, 3] {
            frames += Frames.request(stream: stream, method: method) + Frames.data(stream: stream, message)
        }
        return frames
    }

    @Test func headerFieldsOverTheLimitAreRefused() async throws {
        let fields = (0..<5).map { ("name-\($0)", "value") }
        _ = try await exchange(.headerFields, hits: 2, Self.requests(fields)) {
            $0.limits.maxHeaderFields = 8
        } until: { frames in
            frames.count { $0.type == 1 } == 2
        }
    }

    @Test func headerListOverTheLimitIsRefused() async throws {
        let fields = (0..<3).map { ("name-\($0)", String(repeating: "x", count: 100)) }
        _ = try await exchange(.headerList, hits: 2, Self.requests(fields)) {
            $0.limits.maxHeaderListBytes = 512
        } until: { frames in
            frames.count { $0.type == 1 } == 2
        }
    }

    @Test func unreadBytesOverTheLimitAreRefused() async throws {
        _ = try await exchange(.buffered, hits: 2, Self.messages("Hang", bytes: 200)) {
            $0.limits.maxBufferedBytesPerConnection = 100
        } until: { frames in
            frames.count { $0.type == 3 } == 2
        }
    }

    @Test func messageOverTheLimitIsRefused() async throws {
        _ = try await exchange(.message, hits: 2, Self.messages("Echo", bytes: 11)) {
            $0.maxMessageBytes = 10
        } until: { frames in
            frames.count { $0.type == 1 && $0.flags & 1 == 1 } == 2
        }
    }

    @Test func missingHandshakeEndsTheConnection() async throws {
        let frames = try await exchange(.handshakeTimeout, hits: 1, []) {
            $0.limits.handshakeTimeout = .milliseconds(10)
        }
        #expect(!frames.contains { $0.type == 7 }, "it is not spoken to")
    }

    @Test func connectionsOverTheLimitAreClosed() async throws {
        let frames = try await exchange(.connections, hits: 1, []) { $0.maxConnections = 0 }
        #expect(frames.isEmpty)
    }

    @Test func controlFramesOverTheLimitEndTheConnection() async throws {
        let settings = Array(repeating: Frames.settings, count: 100).flatMap { $0 }
        let frames = try await exchange(.controlFrames, hits: 1, Frames.preface + settings) {
            $0.limits.maxControlFramesPerSecond = 1
        }
        #expect(frames.last?.type == 7)
    }

    @Test func resetsOverTheLimitEndTheConnection() async throws {
        var bytes = Frames.preface + Frames.settings
        for stream in stride(from: UInt8(1), to: 61, by: 2) {
            bytes += Frames.request(stream: stream, method: "Hang")
            bytes += Frames.frame(type: 3, stream: stream, payload: [0, 0, 0, 8])
        }
        let frames = try await exchange(.resets, hits: 1, bytes) {
            $0.limits.maxResetsPerSecond = 1
        }
        #expect(frames.last?.type == 7)
    }

    @Test func clientThatDoesNotReadIsDisconnected() async throws {
        let log = LogRecorder()
        let before = RecordedMetrics.serverHits(.writeTimeout)
        let config = Config.defaults { $0.limits.writeTimeout = .milliseconds(50) }
        try await withSecureServer(.plaintext, ["Pour": Self.pour], config: config, logger: log.logger()) {
            _, address in
            let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .channelOption(.autoRead, value: false)
                .connect(host: address.host ?? "", port: address.port ?? 0).get()
            // The largest windows: only the socket stops the server.
            let settings = Frames.frame(type: 4, payload: [0, 4, 0x7f, 0xff, 0xff, 0xff])
            let update = Frames.frame(type: 8, payload: [0x7f, 0, 0, 0])
            let bytes = Frames.preface + settings + update + Frames.request(stream: 1, method: "Pour")
            try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
            try await eventually { !log.warnings.isEmpty }
            try await channel.close().get()
        }
        #expect(RecordedMetrics.serverHits(.writeTimeout) >= before + 1)
        #expect(log.warnings.map { $0.metadata["limit"] } == ["write-timeout"])
    }
}
