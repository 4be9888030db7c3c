import GRPCCore
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// A server's answer that breaks HTTP/2 or gRPC, or tries to harm, and the outcome that the call must have.
struct HostileAnswer: Sendable, CustomTestStringConvertible {
    /// The outcome of the call.
    enum Outcome: Sendable {
        case ok
        case fails(RPCError.Code)
        /// It fails, and was certainly not processed, so that it can be made again.
        case notProcessed
    }

    let name: String
    let outcome: Outcome
    /// The error that the client ends the connection with; `nil` if it keeps the connection.
    let goAway: UInt8?
    let closing: Bool
    let bytes: @Sendable (_ stream: UInt8) -> [UInt8]

    var testDescription: String { name }

    private init(
        _ name: String,
        _ outcome: Outcome,
        goAway: UInt8? = nil,
        closing: Bool = false,
        _ bytes: @escaping @Sendable (_ stream: UInt8) -> [UInt8]
    ) {
        self.name = name
        self.outcome = outcome
        self.goAway = goAway
        self.closing = closing
        self.bytes = bytes
    }

    private static let protocolError: UInt8 = 1
    private static let flowControlError: UInt8 = 3
    private static let frameSizeError: UInt8 = 6
    private static let compressionError: UInt8 = 9
    private static let enhanceYourCalm: UInt8 = 11

    /// A connection error of HTTP/2: the connection is lost, and nobody knows whether the server has processed the
    /// call.
    private static func connectionError(
        _ name: String,
        _ code: UInt8,
        _ bytes: @escaping @Sendable (_ stream: UInt8) -> [UInt8]
    ) -> Self {
        Self(name, .fails(.unavailable), goAway: code, bytes)
    }

    // MARK: HTTP/2

    static let frames: [Self] = [
        .connectionError("DATA on the connection", protocolError) { _ in Frames.data(stream: 0, [1]) },
        .connectionError("DATA on an idle stream", protocolError) { Frames.data(stream: $0 + 2, [1]) },
        .connectionError("HEADERS on a stream of the server", protocolError) { _ in Frames.responseHead(stream: 2) },
        .connectionError("HEADERS on an idle stream", protocolError) { Frames.responseHead(stream: $0 + 2) },
        .connectionError("PUSH_PROMISE", protocolError) {
            Frames.frame(type: 5, flags: 4, stream: $0, payload: [0, 0, 0, 2])
        },
        .connectionError("SETTINGS of wrong size", frameSizeError) { _ in Frames.frame(type: 4, payload: [1]) },
        .connectionError("SETTINGS that enable push", protocolError) { _ in Frames.setting(2, 1) },
        .connectionError("SETTINGS with a window too large", flowControlError) { _ in Frames.setting(4, 1 << 31) },
        .connectionError("SETTINGS with frames too small", protocolError) { _ in Frames.setting(5, 1) },
        .connectionError("PING of wrong size", frameSizeError) { _ in Frames.frame(type: 6, payload: [1]) },
        .connectionError("a frame larger than announced", frameSizeError) {
            Frames.frame(type: 0, stream: $0, payload: Array(repeating: 0, count: 16_385))
        },
        .connectionError("WINDOW_UPDATE of zero", protocolError) { _ in Frames.windowUpdate(0) },
        .connectionError("a window that overflows", flowControlError) { _ in Frames.windowUpdate(UInt32.max >> 1) },
        .connectionError("CONTINUATION without HEADERS", protocolError) {
            Frames.frame(type: 9, flags: 4, stream: $0, payload: [0x88])
        },
        .connectionError("a frame inside a header block", protocolError) {
            Frames.frame(type: 1, stream: $0, payload: [0x88])
                + Frames.frame(type: 6, payload: Array(repeating: 0, count: 8))
        },
        .connectionError("a header block that cannot be read", compressionError) {
            Frames.frame(type: 1, flags: 4, stream: $0, payload: [0x80])
        },
        Self("no response at all", .fails(.unavailable), closing: true) { _ in [] },
        Self("half a frame", .fails(.unavailable), closing: true) { Frames.responseHead(stream: $0).dropLast(5) },
        Self("half a response", .fails(.unavailable), closing: true) { Frames.responseHead(stream: $0) },
        Self("unknown frames and settings", .ok) {
            Frames.frame(type: 0xee, payload: [1]) + Frames.setting(0xee, 1) + Frames.response(stream: $0, message: [1])
        },
        Self("an informational response first", .ok) {
            Frames.headers(stream: $0, [(":status", "103")]) + Frames.response(stream: $0, message: [1])
        },
        Self("a reset after the response", .ok) {
            Frames.response(stream: $0, message: [1]) + Frames.reset(stream: $0, code: 0)
        },
    ]

    static let goAways: [Self] = [
        Self("GOAWAY before the call", .notProcessed) { _ in Frames.goAway(last: 0, code: 0) },
        Self("GOAWAY because of pings", .notProcessed) { _ in
            Frames.goAway(last: 0, code: enhanceYourCalm, debugData: "too_many_pings")
        },
        Self("GOAWAY after the call", .ok) {
            Frames.goAway(last: $0, code: 0) + Frames.response(stream: $0, message: [1])
        },
        Self("GOAWAY twice", .ok) {
            Frames.goAway(last: 0x7f, code: 0) + Frames.goAway(last: $0, code: 0)
                + Frames.response(stream: $0, message: [1])
        },
        Self("GOAWAY after the call, then before it", .notProcessed) {
            Frames.goAway(last: $0, code: 0) + Frames.goAway(last: 0, code: 0)
        },
        .connectionError("GOAWAY that takes a call back in", protocolError) {
            Frames.goAway(last: $0, code: 0) + Frames.goAway(last: $0 + 2, code: 0)
        },
        Self("GOAWAY with an error, then the end", .fails(.unavailable), closing: true) {
            Frames.goAway(last: $0, code: protocolError)
        },
    ]

    // MARK: gRPC

    static let responses: [Self] = [
        Self("no :status", .fails(.internalError)) {
            Frames.headers(stream: $0, [("content-type", "application/grpc")])
        },
        Self("an uppercase field name", .fails(.internalError)) { Frames.responseHead(stream: $0, [("X-Upper", "y")]) },
        Self("a field of HTTP/1", .fails(.internalError)) {
            Frames.responseHead(stream: $0, [("connection", "close")])
        },
        Self("more than the content-length", .fails(.internalError)) {
            Frames.responseHead(stream: $0, [("content-length", "1")]) + Frames.message(stream: $0, [1])
        },
        Self("an error page", .fails(.unavailable)) {
            Frames.headers(stream: $0, [(":status", "502"), ("content-type", "text/html")])
                + Frames.data(stream: $0, Array("<html>Bad gateway</html>".utf8), endStream: true)
        },
        Self("metadata that is no base64", .fails(.internalError)) {
            Frames.responseHead(stream: $0, [("x-bin", "***")])
        },
        Self("metadata twice", .fails(.internalError)) {
            Frames.responseHead(stream: $0) + Frames.headers(stream: $0, [("x", "y")])
        },
        Self("a message cut short", .fails(.internalError)) {
            Frames.responseHead(stream: $0) + Frames.data(stream: $0, [0, 0, 0, 0, 9, 1]) + Frames.trailers(stream: $0)
        },
        Self("no message", .fails(.unimplemented)) {
            Frames.responseHead(stream: $0) + Frames.trailers(stream: $0)
        },
        Self("two messages", .fails(.unimplemented)) {
            Frames.responseHead(stream: $0) + Frames.message(stream: $0, [1]) + Frames.message(stream: $0, [1])
                + Frames.trailers(stream: $0)
        },
        Self("a message after the trailers", .ok) {
            Frames.response(stream: $0, message: [1]) + Frames.message(stream: $0, [1])
        },
        Self("a compressed message without encoding", .fails(.internalError)) {
            Frames.responseHead(stream: $0) + Frames.message(stream: $0, [1], flag: 1)
        },
        Self("a flag that is none", .fails(.internalError)) {
            Frames.responseHead(stream: $0) + Frames.message(stream: $0, [1], flag: 2)
        },
        Self("an unknown encoding", .fails(.internalError)) {
            Frames.responseHead(stream: $0, [("grpc-encoding", "snappy")]) + Frames.message(stream: $0, [1], flag: 1)
        },
        Self("garbage instead of gzip", .fails(.internalError)) {
            Frames.responseHead(stream: $0, [("grpc-encoding", "gzip")]) + Frames.message(stream: $0, [1], flag: 1)
        },
        Self("a message of four gigabytes", .fails(.resourceExhausted)) {
            Frames.responseHead(stream: $0) + Frames.data(stream: $0, [0, 0xff, 0xff, 0xff, 0xff])
        },
        Self("a deflate bomb", .fails(.resourceExhausted)) {
            Frames.responseHead(stream: $0, [("grpc-encoding", "deflate")])
                + Frames.message(stream: $0, Self.deflateBomb, flag: 1)
        },
    ]

    /// zlib (RFC 1950) of 66,053 zeros: a block with fixed codes (RFC 1951, section 3.2.6). It has one literal zero and
    /// then, 256 times and one byte and five bits each, "258 bytes, from one byte back".
    private static let deflateBomb: [UInt8] = {
        var bits: [Bool] = [true, true, false]
        bits += [false, false, true, true, false, false, false, false]
        for _ in 0..<256 {
            // Length 258 is code 285, distance 1 is code 0.
            bits += [true, true, false, false, false, true, false, true] + Array(repeating: false, count: 5)
        }
        bits += Array(repeating: false, count: 7)
        var bytes: [UInt8] = [0x78, 0x9c]
        for start in stride(from: 0, to: bits.count, by: 8) {
            let byte = bits[start...].prefix(8).enumerated().reduce(0) { $0 | ($1.element ? 1 << $1.offset : 0) }
            bytes.append(UInt8(byte))
        }
        // The checksum is wrong, but no client should get that far.
        return bytes + [0, 0, 0, 0]
    }()

    // MARK: Floods

    static let floods: [Self] = [
        Self("too many fields", .fails(.resourceExhausted)) { stream in
            Frames.responseHead(stream: stream, (0..<40).map { ("x-\($0)", "") })
        },
        Self("a header block that unpacks to megabytes", .fails(.resourceExhausted)) { stream in
            // A field of 4000 bytes that goes into the table; after that, one byte each time refers to it.
            let field: [UInt8] =
                [0x40, 1, UInt8(ascii: "x"), 0x7f, 0xa1, 0x1e] + Array(repeating: UInt8(ascii: "y"), count: 4000)
            let block = [0x88] + field + Array(repeating: 0xbe, count: 12_000)
            return Frames.frame(type: 1, flags: 4, stream: stream, payload: block)
        },
        Self("a header block without end", .fails(.unavailable)) { stream in
            let field: [UInt8] = [0, 1, UInt8(ascii: "x"), 1, UInt8(ascii: "y")]
            return Frames.frame(type: 1, stream: stream, payload: [0x88])
                + Array(repeating: Frames.frame(type: 9, stream: stream, payload: field), count: 1000).flatMap { $0 }
        },
        .flood("SETTINGS") { _ in Frames.setting(3, 100) },
        .flood("PING") { _ in Frames.frame(type: 6, payload: Array(repeating: 0, count: 8)) },
        .flood("PING with ACK") { _ in Frames.frame(type: 6, flags: 1, payload: Array(repeating: 0, count: 8)) },
        .flood("empty DATA") { Frames.data(stream: $0, []) },
    ]

    private static func flood(_ name: String, _ frame: @escaping @Sendable (_ stream: UInt8) -> [UInt8]) -> Self {
        .connectionError(name, enhanceYourCalm) { stream in
            Frames.responseHead(stream: stream) + Array(repeating: frame(stream), count: 500).flatMap { $0 }
        }
    }

    static let all = frames + goAways + responses + floods
}
