import NIOCore
import NIOPosix
import ServiceKitTestSupport
import Synchronization

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// A server that answers its first request with the test's bytes. It answers every later one correctly, on the same
/// connection or on another.
struct ScriptedServer: Sendable {
    /// A frame that came from a client.
    struct Frame: Sendable {
        var type: UInt8
        var flags: UInt8
        var stream: UInt8
        var payload: [UInt8]

        /// The error code of a GOAWAY.
        var goAwayCode: UInt8? { type == 7 ? payload[7] : nil }
    }

    let address: TransportAddress
    private let state: State

    /// All frames that came.
    var frames: [Frame] { state.frames.value }

    private struct State: Sendable {
        let frames = Shared<[Frame]>([])
        let isFirst = Shared(true)
    }

    /// Runs a server.
    ///
    /// - Parameters:
    ///   - answer: Makes the bytes that answer the first request, from the number of its stream.
    ///   - closing: Whether the server closes the connection after them.
    ///   - greeting: The bytes that it sends on a new connection.
    ///   - body: Gets the server.
    static func run<Result: Sendable>(
        answer: @escaping @Sendable (UInt8) -> [UInt8],
        closing: Bool,
        greeting: [UInt8] = Frames.settings,
        _ body: (ScriptedServer) async throws -> Result
    ) async throws -> Result {
        let state = State()
        let accepted = Shared<[any Channel]>([])
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                accepted.update { $0.append(channel) }
                return channel.eventLoop.makeCompletedFuture {
                    let handler = Handler(state, answer: answer, closing: closing, greeting: greeting)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let address = channel.localAddress.flatMap(TransportAddress.init) ?? .anyPort
        let outcome: Swift.Result<Result, any Error>
        do {
            outcome = .success(try await body(ScriptedServer(address: address, state: state)))
        } catch {
            outcome = .failure(error)
        }
        try? await channel.close().get()
        for channel in accepted.value {
            try? await channel.close().get()
        }
        return try outcome.get()
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let state: State
        private let answer: @Sendable (UInt8) -> [UInt8]
        private let closing: Bool
        private let greeting: [UInt8]
        private var buffer: [UInt8] = []
        private var hasPreface = false

        init(_ state: State, answer: @escaping @Sendable (UInt8) -> [UInt8], closing: Bool, greeting: [UInt8]) {
            self.state = state
            self.answer = answer
            self.closing = closing
            self.greeting = greeting
        }

        func channelActive(context: ChannelHandlerContext) {
            send(greeting, context)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            buffer += unwrapInboundIn(data).readableBytesView
            if !hasPreface, buffer.count >= Frames.preface.count {
                buffer.removeFirst(Frames.preface.count)
                hasPreface = true
            }
            while hasPreface, let frame = nextFrame() {
                state.frames.update { $0.append(frame) }
                switch (frame.type, frame.flags) {
                case (1, _): reply(to: frame.stream, context)
                case (4, 0): send(Frames.frame(type: 4, flags: 1, payload: []), context)
                default: break
                }
            }
        }

        private func nextFrame() -> Frame? {
            guard buffer.count >= 9 else { return nil }
            let end = 9 + (Int(buffer[0]) << 16 | Int(buffer[1]) << 8 | Int(buffer[2]))
            guard buffer.count >= end else { return nil }
            defer { buffer.removeFirst(end) }
            return Frame(
                type: buffer[3], flags: buffer[4], stream: buffer[8],
                payload: Array(buffer[9..<end])
            )
        }

        private func reply(to stream: UInt8, _ context: ChannelHandlerContext) {
            guard state.isFirst.value else {
                send(Frames.response(stream: stream, message: [1]), context)
                return
            }
            state.isFirst.update { $0 = false }
            send(answer(stream), context)
            if closing {
                context.close(promise: nil)
            }
        }

        private func send(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}

extension Frames {
    /// A header block that begins a response of gRPC.
    static func responseHead(stream: UInt8, _ fields: [(String, String)] = []) -> [UInt8] {
        headers(stream: stream, [(":status", "200"), ("content-type", "application/grpc")] + fields)
    }

    /// A header block that ends a response of gRPC.
    static func trailers(stream: UInt8, status: String = "0") -> [UInt8] {
        headers(stream: stream, [("grpc-status", status)], endStream: true)
    }

    /// A message with its prefix, in one DATA frame.
    static func message(stream: UInt8, _ message: [UInt8], flag: UInt8 = 0) -> [UInt8] {
        data(stream: stream, [flag, 0, 0, UInt8(message.count >> 8), UInt8(message.count & 0xff)] + message)
    }

    /// A whole response.
    static func response(stream: UInt8, message: [UInt8]) -> [UInt8] {
        responseHead(stream: stream) + self.message(stream: stream, message) + trailers(stream: stream)
    }

    static func goAway(last: UInt8, code: UInt8, debugData: String = "") -> [UInt8] {
        frame(type: 7, payload: [0, 0, 0, last, 0, 0, 0, code] + Array(debugData.utf8))
    }

    static func reset(stream: UInt8, code: UInt8) -> [UInt8] {
        frame(type: 3, stream: stream, payload: [0, 0, 0, code])
    }

    static func windowUpdate(stream: UInt8 = 0, _ increment: UInt32) -> [UInt8] {
        frame(type: 8, stream: stream, payload: withUnsafeBytes(of: increment.bigEndian, Array.init))
    }

    static func setting(_ id: UInt8, _ value: UInt32) -> [UInt8] {
        frame(type: 4, payload: [0, id] + withUnsafeBytes(of: value.bigEndian, Array.init))
    }
}
