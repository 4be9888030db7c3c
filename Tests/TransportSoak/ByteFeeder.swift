#if DEBUG
import Foundation
import Logging
import NIOCore
import NIOEmbedded
import Synchronization

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// Feeds sessions of both sides with frames that are right, almost right and wrong, and with noise, cut anywhere. No
/// input may crash a session, and every stream must end when its connection does.
struct ByteFeeder {
    private var random: SoakRandom
    /// The number of connections that ended for each reason. A feeder whose connections all end alike tests little.
    private var endings: [String: Int] = [:]

    init(seed: UInt64) {
        random = SoakRandom(seed: seed)
    }

    mutating func run(for duration: Duration) {
        let start = ContinuousClock.now
        var connections = 0
        var bytes = 0
        var streams = 0
        while start.duration(to: .now) < duration {
            let result = feedOne(isServer: random.oneIn(3) == false)
            connections += 1
            bytes += result.bytes
            streams += result.streams
            if connections % 20_000 == 0 {
                print("\(start.duration(to: .now)) \(connections) connections, \(streams) streams, \(bytes) bytes")
                fflush(nil)
            }
        }
        for (reason, count) in endings.sorted(by: { $0.value > $1.value }).prefix(25) {
            print("\(count) × \(reason)")
        }
        print("feed: passed; \(connections) connections, \(streams) streams, \(bytes) bytes")
    }

    /// Feeds one connection until it closes, or is closed.
    private mutating func feedOne(isServer: Bool) -> (bytes: Int, streams: Int) {
        let channel = EmbeddedChannel()
        let delegate = FeedDelegate(answer: random.oneIn(2))
        var limits = TransportLimits.defaults
        limits.maxHeaderListBytes = 1024
        let role: HTTP2ConnectionConfig.Role =
            isServer
            ? .server(maxConcurrentStreams: 10) : .client(maxQueuedRequests: 5)
        let config = HTTP2ConnectionConfig(
            role: role, security: .plaintext, limits: limits,
            times: ConnectionTimes(writeTimeout: limits.writeTimeout),
            pings: .init(minInterval: .seconds(300), allowWithoutCalls: false),
            commonFields: isServer
                ? .responses(accepting: .all)
                : .requests(scheme: "http", authority: "x", userAgent: "x", accepting: .all),
            reporter: LimitReporter(side: .server, logger: Logger(label: "feed") { _ in SwiftLogNoOpLogHandler() })
        )
        let scheduler = LoopScheduler(loop: channel.embeddedEventLoop)
        let connection = HTTP2Connection(config: config, scheduler: scheduler, delegate: delegate)
        do {
            try channel.pipeline.syncOperations.addHandler(connection)
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        } catch {
            preconditionFailure("\(error)")
        }
        var own: [HTTP2Stream] = []
        var input = FrameNoise(using: &random, isServer: isServer)
        var count = 0
        for _ in 0..<Int.random(in: 1...40, using: &random) where channel.isActive {
            if !isServer, random.oneIn(4) {
                let stream = connection.makeStream(deadline: nil)
                stream.setDecoder(MessageDeframer(maxMessageBytes: 4096))
                var head = HeaderBlock()
                head.appendPath("s", "m")
                try? stream.send(head: head, prefix: .common)
                own.append(stream)
            }
            let bytes = input.next(using: &random)
            count += bytes.count
            // The connection has to handle an error.
            _ = try? channel.writeInbound(ByteBuffer(bytes: bytes))
            channel.embeddedEventLoop.run()
            if random.oneIn(100) { connection.beginGracefulShutdown() }
            if random.oneIn(10) { own.randomElement(using: &random)?.reset(.cancel, failure: .cancelled) }
            while let _ = try? channel.readOutbound(as: ByteBuffer.self) {}
        }
        _ = try? channel.finish(acceptAlreadyClosed: true)
        channel.embeddedEventLoop.run()
        let streams = own + delegate.streams
        precondition(streams.allSatisfy(\.isClosed), "a stream outlived its connection")
        precondition(delegate.isClosed, "nobody was told that the connection is closed")
        endings[delegate.reason, default: 0] += 1
        return (count, streams.count)
    }
}

/// A server's streams, some of them answered at once.
private final class FeedDelegate: HTTP2ConnectionDelegate {
    private struct State {
        var streams: [HTTP2Stream] = []
        var isClosed = false
        var reason = ""
    }

    private let state = Mutex(State())
    private let answer: Bool

    init(answer: Bool) {
        self.answer = answer
    }

    var streams: [HTTP2Stream] { state.withLock { $0.streams } }
    /// The reason why the connection was closed.
    var reason: String { state.withLock { $0.reason } }
    var isClosed: Bool { state.withLock { $0.isClosed } }

    func connectionReady(_ connection: HTTP2Connection) {}

    func connection(_ connection: HTTP2Connection, opened stream: HTTP2Stream, headers: HeaderBlock?) {
        state.withLock { $0.streams.append(stream) }
        stream.setDecoder(MessageDeframer(maxMessageBytes: 4096))
        if let headers { _ = try? RequestHead(headers, readableEncodings: .all) }
        guard answer else { return }
        try? stream.send(head: HeaderBlock(), prefix: .common)
        stream.enqueue(BodyPiece(message: [1, 2, 3]))
        try? stream.send(end: .trailers(.ok))
    }

    func connectionReadComplete(_ connection: HTTP2Connection) {}
    func connection(_ connection: HTTP2Connection, isDraining reason: String) {}

    func connection(_ connection: HTTP2Connection, closed reason: String) {
        self.state.withLock { state in
            state.isClosed = true
            state.reason = reason
        }
    }
}

/// The bytes that a peer sends.
private struct FrameNoise {
    private let isServer: Bool
    private var nextStream: UInt32 = 1
    private var pending: [UInt8]

    init(using random: inout SoakRandom, isServer: Bool) {
        self.isServer = isServer
        let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
        pending = isServer && !random.oneIn(20) ? preface : []
        if !random.oneIn(10) {
            pending += Self.frame(type: 4, flags: 0, stream: 0, [])
        }
    }

    /// Some bytes: whole frames, or frames cut anywhere.
    mutating func next(using random: inout SoakRandom) -> [UInt8] {
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            pending += frame(using: &random)
        }
        let count = random.oneIn(3) ? Int.random(in: 0...self.pending.count, using: &random) : pending.count
        defer { pending.removeFirst(count) }
        return Array(pending[..<count])
    }

    private mutating func frame(using random: inout SoakRandom) -> [UInt8] {
        if random.oneIn(80) {
            return (0..<Int.random(in: 1...100, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        }
        var frame: [UInt8]
        // Mostly an open stream: a frame on any other ends the connection.
        let last = nextStream > 2 ? nextStream - 2 : 0
        let stream = random.oneIn(12) ? UInt32.random(in: 0...self.nextStream + 1, using: &random) : last
        switch nextStream == 1 ? 0 : Int.random(in: 0..<12, using: &random) {
        case 0, 1, 2:
            let endStream: UInt8 = random.oneIn(3) ? 1 : 0
            frame = Self.frame(type: 1, flags: 4 | endStream, stream: nextStream, headers(using: &random))
            nextStream += 2
        case 3, 4, 5:
            let size = Int.random(in: 0...300, using: &random)
            let message = [UInt8(random.oneIn(5) ? 1 : 0), 0, 0, UInt8(size >> 8), UInt8(size & 0xff)]
            let payload = message + random.bytes(random.oneIn(4) ? size / 2 : size)
            frame = Self.frame(type: 0, flags: random.oneIn(4) ? 1 : 0, stream: stream, payload)
        case 6:
            frame = Self.frame(type: 3, flags: 0, stream: stream, [0, 0, 0, UInt8.random(in: 0...14, using: &random)])
        case 7:
            let payload: [UInt8] = [
                0, UInt8.random(in: 0...9, using: &random), 0, 0, UInt8.random(in: 0...255, using: &random), 0,
            ]
            frame = Self.frame(type: 4, flags: random.oneIn(3) ? 1 : 0, stream: 0, random.oneIn(2) ? payload : [])
        case 8:
            frame = Self.frame(type: 6, flags: random.oneIn(2) ? 1 : 0, stream: 0, random.bytes(8))
        case 9:
            frame = Self.frame(type: 8, flags: 0, stream: stream, [0, 0, UInt8.random(in: 0...255, using: &random), 1])
        case 10:
            guard random.oneIn(10) else { return [] }
            frame = Self.frame(
                type: 7, flags: 0, stream: 0, [0, 0, 0, UInt8.random(in: 0...9, using: &random), 0, 0, 0, 0])
        default:
            guard random.oneIn(3) else { return [] }
            frame = Self.frame(
                type: UInt8.random(in: 0...12, using: &random), flags: UInt8.random(in: 0...255, using: &random),
                stream: stream, random.bytes(Int.random(in: 0...40, using: &random))
            )
        }
        if random.oneIn(30) {
            let index = Int.random(in: 0..<frame.count, using: &random)
            frame[index] = UInt8.random(in: 0...255, using: &random)
        }
        return frame
    }

    /// A header block, each field a literal without indexing (RFC 7541, section 6.2.2).
    private func headers(using random: inout SoakRandom) -> [UInt8] {
        var fields: [(String, String)] =
            isServer
            ? [(":method", "POST"), (":scheme", "http"), (":path", "/s/m"), (":authority", "x"), ("te", "trailers")]
            : [(":status", "200")]
        fields.append(("content-type", random.oneIn(8) ? "text/html" : "application/grpc"))
        let extra = [
            ("grpc-status", "\(Int.random(in: -1...20, using: &random))"), ("grpc-message", "%41%zz"),
            ("x-bin", "AQI*"),
            ("grpc-timeout", "\(Int.random(in: 0...99_999_999, using: &random))m"), ("grpc-encoding", "gzip"),
            ("x", String(repeating: "y", count: Int.random(in: 0...200, using: &random))),
        ]
        if random.oneIn(20) { fields.append(random.oneIn(2) ? ("Upper", "x") : (":path", "/t")) }
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            if let field = extra.randomElement(using: &random) { fields.append(field) }
        }
        return fields.flatMap { name, value in
            [0, UInt8(min(name.utf8.count, 126))] + name.utf8.prefix(126) + [UInt8(min(value.utf8.count, 126))]
                + value.utf8.prefix(126)
        }
    }

    private static func frame(type: UInt8, flags: UInt8, stream: UInt32, _ payload: [UInt8]) -> [UInt8] {
        [UInt8(payload.count >> 16), UInt8(payload.count >> 8 & 0xff), UInt8(payload.count & 0xff), type, flags]
            + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: stream >> $0) } + payload
    }
}
#endif
