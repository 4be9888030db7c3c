import NIOCore
import NIOPosix
import NIOSSL
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// HTTP/2 frames made by hand, since no well-behaved implementation sends them.
enum Frames {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    static let settings = frame(type: 4, payload: [])

    static func frame(type: UInt8, flags: UInt8 = 0, stream: UInt8 = 0, payload: [UInt8]) -> [UInt8] {
        [UInt8(payload.count >> 16 & 0xff), UInt8(payload.count >> 8 & 0xff), UInt8(payload.count & 0xff), type, flags]
            + [0, 0, 0, stream] + payload
    }

    /// A whole header block, of fields that are shorter than 127 bytes.
    static func headers(stream: UInt8, _ fields: [(String, String)], endStream: Bool = false) -> [UInt8] {
        var block: [UInt8] = []
        for (name, value) in fields {
            // A literal without indexing; both strings are plain.
            block += [0, UInt8(name.utf8.count)] + Array(name.utf8) + [UInt8(value.utf8.count)] + Array(value.utf8)
        }
        return frame(type: 1, flags: endStream ? 5 : 4, stream: stream, payload: block)
    }

    static func data(stream: UInt8, _ bytes: [UInt8], endStream: Bool = false) -> [UInt8] {
        frame(type: 0, flags: endStream ? 1 : 0, stream: stream, payload: bytes)
    }

    static func request(stream: UInt8, method: String, _ fields: [(String, String)] = []) -> [UInt8] {
        headers(
            stream: stream,
            [
                (":method", "POST"), (":scheme", "http"), (":path", "/\(RawService.name)/\(method)"),
                (":authority", "x"), ("content-type", "application/grpc"), ("te", "trailers"),
            ] + fields
        )
    }

    /// Connects, sends `bytes` and returns the answer until the server closes or `isEnough` says so.
    static func exchange(
        _ address: TransportAddress,
        _ bytes: [UInt8],
        tls: NIOSSLContext? = nil,
        onCertificate: @Sendable @escaping (NIOSSLCertificate) -> Void = { _ in },
        until isEnough: @Sendable @escaping ([UInt8]) -> Bool
    ) async throws -> [UInt8] {
        let received = Shared<[UInt8]>([])
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: tls, serverHostname: "test.example")
                        )
                    }
                    try channel.pipeline.syncOperations.addHandler(Collector(received, onCertificate: onCertificate))
                }
            }
            .connect(host: address.host ?? "", port: address.port ?? 0).get()
        // The write fails if the server has hung up before.
        try? await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
        let closed = Shared(false)
        channel.closeFuture.whenComplete { _ in closed.update { $0 = true } }
        try await eventually { closed.value || isEnough(received.value) }
        try? await channel.close().get()
        return received.value
    }

    /// The types of the frames in `bytes`, each with its stream and flags.
    static func summary(_ bytes: [UInt8]) -> [(type: UInt8, flags: UInt8, stream: UInt8)] {
        var summary: [(UInt8, UInt8, UInt8)] = []
        var rest = bytes[...]
        while rest.count >= 9 {
            let start = rest.startIndex
            let length = Int(rest[start]) << 16 | Int(rest[start + 1]) << 8 | Int(rest[start + 2])
            summary.append((rest[start + 3], rest[start + 4], rest[start + 8]))
            rest = rest.dropFirst(9 + length)
        }
        return summary
    }

    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let received: Shared<[UInt8]>
        private let onCertificate: @Sendable (NIOSSLCertificate) -> Void

        init(_ received: Shared<[UInt8]>, onCertificate: @escaping @Sendable (NIOSSLCertificate) -> Void) {
            self.received = received
            self.onCertificate = onCertificate
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            if let certificate = try? context.pipeline.syncOperations.nioSSL_peerCertificate() {
                onCertificate(certificate)
            }
            let bytes = Array(unwrapInboundIn(data).readableBytesView)
            received.update { $0 += bytes }
        }
    }
}
