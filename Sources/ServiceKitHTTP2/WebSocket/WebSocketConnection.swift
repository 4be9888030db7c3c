import NIOCore
import NIOWebSocket

extension HTTP1Upgrade {
    /// The name of WebSocket in the header `Upgrade`.
    package static let webSocketName = "websocket"

    /// WebSocket (RFC 6455). The handshake is the layer above's. The pieces of the bodies then are messages, see
    /// ``WebSocketMessage``, and the end of the response closes the WebSocket, see ``WebSocketClose``.
    ///
    /// - Parameter maxMessageBytes: The size of the largest message of the client.
    package static func webSocket(maxMessageBytes: Int) -> HTTP1Upgrade {
        HTTP1Upgrade(name: webSocketName) { exchange, connection in
            WebSocketConnection(exchange, connection, maxMessageBytes: maxMessageBytes)
        }
    }
}

/// A server's side of a WebSocket: the handler between the codec of frames and the connection of HTTP/1.1 that it was.
///
/// | phase | event | phase | effect |
/// |---|---|---|---|
/// | open | a message | open | the exchange gets it; too much unread pauses reading |
/// | open | pings | open | the latest is answered, when the client takes the answer |
/// | open | nothing came for the idle time | open | a ping is sent; the second time the connection closes |
/// | open | the client takes nothing for the write time | closed | the exchange fails |
/// | open | the exchange ends | closing | Close is sent: with its code, else 1000, or 1001 in a drain |
/// | open | the client's Close | closing, then closed | Close is sent back; the exchange fails |
/// | open | a fault of the client; `stop` | closing | Close is sent with its code, or 1001; the exchange fails |
/// | closing | the client's Close; nothing has come for a second; the write time has passed | closed | |
/// | closing | anything else | closing | is dropped |
///
/// While reading is paused no ping is sent: its answer would not be read.
final class WebSocketConnection: ChannelInboundHandler, UpgradedProtocol {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    private enum Phase {
        case open
        case closing
    }

    private let exchange: HTTP1Exchange
    private let connection: HTTP1Connection
    private let maxMessageBytes: Int

    private var context: ChannelHandlerContext?
    private var phase = Phase.open
    private var receiver: WebSocketReceiver
    private var guards: FloodGuard
    private var limitLog: LimitLog
    private var isPaused = false
    /// Whether a ping was sent, and nothing has come since.
    private var awaitsPong = false
    /// When a connection that is closing ends, whatever its client sends.
    private var end = NIODeadline.distantFuture
    /// The payload of the latest ping that is not answered.
    private var unansweredPing: [UInt8]?

    init(_ exchange: HTTP1Exchange, _ connection: HTTP1Connection, maxMessageBytes: Int) {
        self.exchange = exchange
        self.connection = connection
        // The codec of frames takes no larger ones.
        self.maxMessageBytes = min(maxMessageBytes, Int(UInt32.max))
        receiver = WebSocketReceiver(maxMessageBytes: self.maxMessageBytes)
        guards = FloodGuard(limits: connection.config.limits, now: .now())
        limitLog = LimitLog(reporter: connection.config.reporter)
    }

    // MARK: - UpgradedProtocol

    func addHandlers(to pipeline: ChannelPipeline.SynchronousOperations, before connection: HTTP1Connection) throws {
        let decoder = ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: maxMessageBytes))
        try pipeline.addHandlers([WebSocketFrameEncoder(), decoder, self], position: .before(connection))
    }

    func flush() {
        guard case .open = phase, let context else { return }
        while context.channel.isWritable {
            let (piece, end) = exchange.takePiece()
            if let message = piece.flatMap({ WebSocketMessage(piece: $0.bytes) }) {
                write(WebSocketOpcode(message.kind), message.bytes, context)
            } else if let end {
                exchange.ended()
                return close(WebSocketClose(end) ?? WebSocketClose(connection.isDraining ? .goingAway : .normal))
            } else {
                break
            }
        }
        if let ping = unansweredPing, context.channel.isWritable {
            unansweredPing = nil
            write(.pong, ping, context)
        }
        context.flush()
        limitTime(context)
    }

    func bodyWasRead() {
        guard isPaused else { return }
        isPaused = false
        connection.resumeReading()
        if let context { limitTime(context) }
    }

    func timeIsUp() {
        switch phase {
        case .closing:
            connection.close("the client did not close the WebSocket in time")
        case .open where context?.channel.isWritable == false:
            connection.close("the client took too long")
        case .open where awaitsPong:
            connection.close("the client did not answer a ping")
        case .open:
            guard let context else { return }
            awaitsPong = true
            write(.ping, [], context)
            context.flush()
            limitTime(context)
        }
    }

    func stop() {
        fail(WebSocketClose(.goingAway, "the server was stopped"))
    }

    // MARK: - Channel handler

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        guard case .open = phase else {
            if frame.opcode == .connectionClose { connection.close("the WebSocket was closed") }
            return
        }
        awaitsPong = false
        do throws(WebSocketFailure) {
            try take(try receiver.receive(frame))
        } catch {
            fail(error.close)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        switch phase {
        case .open: flush()
        case .closing: waitForClient()
        }
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { flush() }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch (error, phase) {
        case (let error as NIOWebSocketError, .open):
            fail(WebSocketFailure(error, maxMessageBytes: maxMessageBytes).close)
        case (is NIOWebSocketError, .closing), (is ByteToMessageDecoderError, .closing):
            // The decoder reads no more.
            break
        default:
            context.fireErrorCaught(error)
        }
    }

    // MARK: - Receiving

    private func take(_ event: WebSocketReceiver.Event) throws(WebSocketFailure) {
        switch event {
        case .message(let message):
            guards.usefulFrame()
            if exchange.receive(BodyPiece(bytes: message.piece)) {
                isPaused = true
                connection.pauseReading()
            }
        case .part(let bytes):
            if bytes > 0 { guards.usefulFrame() } else { try countUseless() }
        case .ping(let payload):
            try countUseless()
            unansweredPing = payload
        case .pong:
            try countUseless()
        case .close(let close):
            fail(
                WebSocketClose(close.code), reason: "the client closed the WebSocket with \(close.code.rawValue)",
                isAnswer: true)
        }
    }

    private func countUseless() throws(WebSocketFailure) {
        guard guards.controlFrame(now: .now()) else { return }
        limitLog.report(.controlFrames, peer: connection.remotePeer, "too many frames of a WebSocket carry nothing")
        throw WebSocketFailure(.policyViolation, "too many frames carry nothing")
    }

    // MARK: - Time

    /// Bounds the time until the client takes something, or else until it sends something.
    private func limitTime(_ context: ChannelHandlerContext) {
        if !context.channel.isWritable {
            connection.setDeadline(in: TimeAmount(connection.config.limits.writeTimeout))
        } else if isPaused {
            connection.setDeadline(in: nil)
        } else {
            connection.setDeadline(in: connection.handler.idleTimeout)
        }
    }

    // MARK: - The end

    /// Closes the WebSocket before its exchange has ended.
    ///
    /// - Parameter isAnswer: Whether the client has closed it.
    private func fail(_ close: WebSocketClose, reason: String? = nil, isAnswer: Bool = false) {
        guard case .open = phase else { return }
        self.close(close, isAnswer: isAnswer)
        exchange.fail(.connectionLost(reason ?? close.reason))
    }

    private func close(_ close: WebSocketClose, isAnswer: Bool = false) {
        phase = .closing
        unansweredPing = nil
        guard let context else { return }
        let written = context.writeAndFlush(wrapOutboundOut(frame(.connectionClose, close.payload, context)))
        // The server is the first to close the connection (RFC 6455, section 7.1.1).
        if isAnswer {
            written.assumeIsolated().whenComplete { [connection] _ in
                connection.close("the client closed the WebSocket")
            }
        }
        connection.resumeReading()
        end = .now() + TimeAmount(connection.config.limits.writeTimeout)
        waitForClient()
    }

    /// Lets a client that is sending read the Close: closing while its bytes wait would have the system drop it.
    private func waitForClient() {
        connection.setDeadline(in: min(HTTP1Connection.lastSecond, end - .now()))
    }

    private func write(_ opcode: WebSocketOpcode, _ bytes: [UInt8], _ context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(frame(opcode, bytes, context)), promise: nil)
    }

    private func frame(
        _ opcode: WebSocketOpcode, _ bytes: [UInt8], _ context: ChannelHandlerContext
    ) -> WebSocketFrame {
        WebSocketFrame(fin: true, opcode: opcode, data: context.channel.allocator.buffer(bytes: bytes))
    }
}

extension WebSocketOpcode {
    fileprivate init(_ kind: WebSocketMessage.Kind) {
        switch kind {
        case .text: self = .text
        case .binary: self = .binary
        }
    }
}
