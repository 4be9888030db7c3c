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
        var goAwayCode: UInt8? { self.type == 7 ? self.payload[7] : nil }
    }

    let address: TransportAddress
    private let state: State

    /// All frames that came.
    var frames: [Frame] { self.state.frames.value }

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
            self.send(self.greeting, context)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            self.buffer += self.unwrapInboundIn(data).readableBytesView
            if !self.hasPreface, self.buffer.count >= Frames.preface.count {
                self.buffer.removeFirst(Frames.preface.count)
                self.hasPreface = true
            }
            while self.hasPreface, let frame = self.nextFrame() {
                self.state.frames.update { $0.append(frame) }
                switch (frame.type, frame.flags) {
                case (1, _): self.reply(to: frame.stream, context)
                case (4, 0): self.send(Frames.frame(type: 4, flags: 1, payload: []), context)
                default: break
                }
            }
        }

        private func nextFrame() -> Frame? {
            guard self.buffer.count >= 9 else { return nil }
            let end = 9 + (Int(self.buffer[0]) << 16 | Int(self.buffer[1]) << 8 | Int(self.buffer[2]))
            guard self.buffer.count >= end else { return nil }
            defer { self.buffer.removeFirst(end) }
            return Frame(
                type: self.buffer[3], flags: self.buffer[4], stream: self.buffer[8],
                payload: Array(self.buffer[9..<end])
            )
        }

        private func reply(to stream: UInt8, _ context: ChannelHandlerContext) {
            guard self.state.isFirst.value else {
                self.send(Frames.response(stream: stream, message: [1]), context)
                return
            }
            self.state.isFirst.update { $0 = false }
            self.send(self.answer(stream), context)
            if self.closing {
                context.close(promise: nil)
            }
        }

        private func send(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
            context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}

extension Frames {
    /// A header block that begins a response of gRPC.
    static func responseHead(stream: UInt8, _ fields: [(String, String)] = []) -> [UInt8] {
        self.headers(stream: stream, [(":status", "200"), ("content-type", "application/grpc")] + fields)
    }

    /// A header block that ends a response of gRPC.
    static func trailers(stream: UInt8, status: String = "0") -> [UInt8] {
        self.headers(stream: stream, [("grpc-status", status)], endStream: true)
    }

    /// A message with its prefix, in one DATA frame.
    static func message(stream: UInt8, _ message: [UInt8], flag: UInt8 = 0) -> [UInt8] {
        self.data(stream: stream, [flag, 0, 0, UInt8(message.count >> 8), UInt8(message.count & 0xff)] + message)
    }

    /// A whole response.
    static func response(stream: UInt8, message: [UInt8]) -> [UInt8] {
        self.responseHead(stream: stream) + self.message(stream: stream, message) + self.trailers(stream: stream)
    }

    static func goAway(last: UInt8, code: UInt8, debugData: String = "") -> [UInt8] {
        self.frame(type: 7, payload: [0, 0, 0, last, 0, 0, 0, code] + Array(debugData.utf8))
    }

    static func reset(stream: UInt8, code: UInt8) -> [UInt8] {
        self.frame(type: 3, stream: stream, payload: [0, 0, 0, code])
    }

    static func windowUpdate(stream: UInt8 = 0, _ increment: UInt32) -> [UInt8] {
        self.frame(type: 8, stream: stream, payload: withUnsafeBytes(of: increment.bigEndian, Array.init))
    }

    static func setting(_ id: UInt8, _ value: UInt32) -> [UInt8] {
        self.frame(type: 4, payload: [0, id] + withUnsafeBytes(of: value.bigEndian, Array.init))
    }
}
