import NIOCore
import NIOTLS

/// Finds out which protocol a client speaks: by TLS's negotiation (ALPN), else by its first bytes, which for HTTP/2 are the
/// connection preface (RFC 9113, section 3.4).
///
/// The handler keeps the bytes until then. It adds the protocol's handlers behind itself, hands the bytes on, and leaves.
final class ProtocolDetector: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    enum Decision {
        case http2
        case http1
    }

    /// How long a connection whose protocol is not known yet lives on when its server stops.
    static let drainLimit = TimeAmount.seconds(1)

    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    private let timeLimit: TimeAmount?
    private let isSecure: Bool
    private let onDecision: (Decision) throws -> Void
    private let onTimeout: () -> Void
    private let onClose: () -> Void

    private var isDecided = false
    private var isClosed = false
    private var received: ByteBuffer?
    private var handshake: TLSUserEvent?
    private var timer: Scheduled<Void>?

    /// - Parameters:
    ///   - isSecure: Whether the connection is one of TLS.
    ///   - timeLimit: How long the client may take.
    ///   - onDecision: Adds the protocol's handlers to the pipeline.
    ///   - onTimeout: Called before the channel is closed because the client took too long.
    ///   - onClose: Called if the channel closes before there was a decision.
    init(
        isSecure: Bool,
        timeLimit: TimeAmount?,
        onDecision: @escaping (Decision) throws -> Void,
        onTimeout: @escaping () -> Void,
        onClose: @escaping () -> Void
    ) {
        self.isSecure = isSecure
        self.timeLimit = timeLimit
        self.onDecision = onDecision
        self.onTimeout = onTimeout
        self.onClose = onClose
    }

    func handlerAdded(context: ChannelHandlerContext) {
        guard let timeLimit else { return }
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: timeLimit) {
            guard !self.isDecided, !self.isClosed else { return }
            self.onTimeout()
            context.close(promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        closed()
    }

    func channelInactive(context: ChannelHandlerContext) {
        closed()
        context.fireChannelInactive()
    }

    private func closed() {
        guard !isClosed else { return }
        isClosed = true
        timer?.cancel()
        timer = nil
        if !isDecided { onClose() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !isDecided else { return context.fireErrorCaught(error) }
        context.close(promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard !isDecided, let event = event as? TLSUserEvent, case .handshakeCompleted(let negotiated) = event else {
            return context.fireUserInboundEventTriggered(event)
        }
        handshake = event
        switch negotiated {
        case HTTP2Connection.applicationProtocol: decide(.http2, context)
        case HTTP1Connection.applicationProtocol: decide(.http1, context)
        default: break
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isDecided else { return context.fireChannelRead(data) }
        var bytes = unwrapInboundIn(data)
        if received == nil {
            received = bytes
        } else {
            received?.writeBuffer(&bytes)
        }
        guard let received else { return }
        if let decision = Self.decision(received, isSecure: isSecure) { decide(decision, context) }
    }

    /// `nil` if more bytes have to come.
    static func decision(_ received: ByteBuffer, isSecure: Bool) -> Decision? {
        received.withUnsafeReadableBytes { bytes in
            if bytes.prefix(preface.count).elementsEqual(preface.prefix(bytes.count)) {
                return bytes.count < preface.count ? nil : .http2
            }
            // The connection of HTTP/2 logs what is wrong there.
            if !isSecure, ForeignProtocol(firstBytes: bytes) == .tls { return .http2 }
            return .http1
        }
    }

    private func decide(_ decision: Decision, _ context: ChannelHandlerContext) {
        isDecided = true
        timer?.cancel()
        timer = nil
        do {
            try onDecision(decision)
        } catch {
            onClose()
            context.close(promise: nil)
            return
        }
        if let handshake { context.fireUserInboundEventTriggered(handshake) }
        if let received {
            self.received = nil
            context.fireChannelRead(wrapInboundOut(received))
        }
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}
