import Logging
import NIOCore
import NIOHTTP1
import NIOSSL

/// One connection of HTTP/1.1 on a server: the last handler of its channel, behind NIO's codec and its handler of pipelined
/// requests, which lets one request pass at a time.
///
/// | phase | event | phase | effect |
/// |---|---|---|---|
/// | idle | a head | busy | the handler opens the request |
/// | idle | a head that may not be served | closing | the request is answered with an error |
/// | idle | the time limit has passed; a drain's second has passed | closed | |
/// | busy | the response is written | idle, or closing | |
/// | busy | a response 101 | upgraded | the other protocol's handlers take the place of HTTP's |
/// | upgraded | any | the same, or closed | see ``UpgradedProtocol`` |
/// | busy | the client leaves; the body stalls; the client reads nothing for too long | closed | the exchange fails |
/// | closing | the answer is written | lingering | the output is closed; what comes is dropped |
/// | lingering | a second has passed, the client closes | closed | |
// @unchecked: all properties but the immutable ones are confined to `loop`.
final class HTTP1Connection: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum Phase {
        case idle
        case busy(HTTP1Exchange)
        case upgraded(HTTP1Exchange, any UpgradedProtocol)
        case lingering
        case closed
    }

    /// Its name in TLS's negotiation (ALPN).
    static let applicationProtocol = "http/1.1"
    /// How long a connection without a request lives on when its server stops, and how long a closed output waits for the
    /// client.
    static let lastSecond = TimeAmount.seconds(1)
    /// How much of a body is written at a time: the first piece, as most bodies are small, and the further ones.
    private static let firstChunkBytes = 2 * 1024
    private static let chunkBytes = 64 * 1024
    /// How many requests that have come at once are answered before the other connections of the event loop have their turn.
    private static let requestsPerTurn = 16

    let config: HTTP2ConnectionConfig
    let loop: any EventLoop
    let tasks: RequestTasks
    let handler: HTTP1Handler
    private let isSecure: Bool
    private let logger: Logger

    // MARK: - Event loop

    private var context: ChannelHandlerContext?
    /// By how much a timer is late where the event loop was held up.
    private static let holdUp = TimeAmount.milliseconds(50)
    /// Whether the deadline was put off as the event loop was held up: that is done once.
    private var wasHeldUp = false
    private var phase = Phase.idle
    private var lastID: Int32 = 0
    private(set) var isDraining = false
    /// Whether the connection closes behind the current response.
    private var closesAfterResponse = false
    private var hasSentHead = false
    private var suppressesBody = false
    private var isReadingPaused = false
    private var starting: (any RequestTask)?
    /// Whether bytes are being read: what there is to send waits for the last of them, which may end the request.
    private var isReading = false
    /// Whether requests are being answered. The codec hands over the next request while the end of a response is written:
    /// that request waits, or a client that sends many at once would fill the stack.
    private var isAnswering = false
    private var hasNextRequest = false
    private var deadline: NIODeadline?
    private var timer: (task: Scheduled<Void>, deadline: NIODeadline)?
    private var reason: String?
    /// The handlers of HTTP, as long as the connection speaks it: those that see bytes first come last.
    private var codec: [any RemovableChannelHandler] = []
    private(set) var remotePeer = "unknown"
    private(set) var localPeer = "unknown"
    private(set) var peerCertificate: NIOSSLCertificate?

    init(
        handler: HTTP1Handler,
        config: HTTP2ConnectionConfig,
        isSecure: Bool,
        loop: any EventLoop,
        executor: (any TaskExecutor)?,
        logger: Logger,
        onFinish: @escaping @Sendable () -> Void
    ) {
        self.handler = handler
        self.config = config
        self.isSecure = isSecure
        self.loop = loop
        self.logger = logger
        tasks = RequestTasks(executor: executor, onFinish: onFinish)
    }

    /// Adds the codec and the connection to a channel.
    func add(to pipeline: ChannelPipeline.SynchronousOperations) throws {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderListSize = config.limits.maxHeaderListBytes
        limits.maxHeaderFieldSize = config.limits.maxHeaderListBytes
        limits.maxHeaderFieldCount = config.limits.maxHeaderFields
        // Bytes are left over when another protocol takes the place of HTTP: they are the other's.
        let decoder = ByteToMessageHandler(
            HTTPRequestDecoder(
                leftOverBytesStrategy: .forwardBytes, informationalResponseStrategy: .drop, limitConfiguration: limits))
        let (encoder, requests) = (HTTPResponseEncoder(), HTTPServerPipelineHandler())
        try pipeline.addHandlers(encoder, decoder, requests, self)
        codec = [requests, encoder, decoder]
    }

    var runningTasks: Int { tasks.count }

    // MARK: - From any thread

    func beginGracefulShutdown() {
        loop.execute {
            self.isDraining = true
            // A request may be on its way. Its response then tells the client to connect elsewhere.
            if case .idle = self.phase { self.setDeadline(in: Self.lastSecond) }
        }
    }

    func cancel() {
        loop.execute {
            if case .upgraded(_, let other) = self.phase { other.stop() } else { self.close("the server was stopped") }
            self.tasks.cancel()
        }
    }

    // MARK: - Channel handler

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        remotePeer = context.channel.remoteAddress.map(TransportAddress.peerDescription) ?? "unknown"
        localPeer = context.channel.localAddress.map(TransportAddress.peerDescription) ?? "unknown"
        if isSecure { peerCertificate = try? context.channel.pipeline.syncOperations.nioSSL_peerCertificate() }
        setDeadline(in: config.times.handshakeTimeout.map { TimeAmount($0) } ?? handler.idleTimeout)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        closed()
    }

    func channelInactive(context: ChannelHandlerContext) {
        closed()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isReading = true
        switch (unwrapInboundIn(data), phase) {
        case (.head(let head), .idle):
            open(head, context)
        case (.body(let bytes), .busy(let exchange)):
            exchange.receive(bytes)
            setDeadline(in: handler.bodyTimeout)
            if exchange.unreadBytes > config.limits.streamWindowBytes {
                setDeadline(in: nil)
                pauseReading()
            }
        case (.end, .busy(let exchange)):
            setDeadline(in: nil)
            exchange.receiveEnd()
            if exchange.hasSentEnd { requestEnded() }
        default:
            break
        }
    }

    /// Starts the task only now: the body that came with the head is there then, and the task does not wait for it.
    func channelReadComplete(context: ChannelHandlerContext) {
        hasNextRequest = true
        if !isAnswering { answer() }
        context.fireChannelReadComplete()
    }

    /// Answers the requests that the codec hands over, one after the other, as far as they can be answered at once.
    private func answer() {
        isAnswering = true
        var count = 0
        while hasNextRequest {
            // The other connections have their turn.
            guard count < Self.requestsPerTurn else { return loop.execute { self.answer() } }
            count += 1
            hasNextRequest = false
            isReading = false
            if let request = starting {
                starting = nil
                tasks.start([request])
            }
            if case .busy(let exchange) = phase { flush(exchange) }
        }
        isAnswering = false
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch (error, phase) {
        case (HTTPParserError.headerOverflow, .idle):
            refuse(431, "the head of the request is larger than \(config.limits.maxHeaderListBytes) bytes")
        case (is HTTPParserError, .idle):
            refuse(400, "the request is not one of HTTP/1.1")
        case (is HTTPParserError, .busy(let exchange)) where !exchange.hasReceivedEnd && !hasSentHead:
            giveUp(exchange, 400, "the body of the request is not one of HTTP/1.1")
        case (is HTTPParserError, .lingering), (is ByteToMessageDecoderError, .lingering):
            // Closing now would have the system drop the response.
            break
        case (is ByteToMessageDecoderError, .busy) where closesAfterResponse:
            // What comes behind a request that was refused is not looked at.
            break
        default:
            close(ConnectionError.reason(error))
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable, case .busy(let exchange) = phase { flush(exchange) }
        context.fireChannelWritabilityChanged()
    }

    // MARK: - Requests

    private func open(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        lastID = lastID &+ 1
        hasSentHead = false
        suppressesBody = head.method == .HEAD
        // The codec reads no request behind one that asks for another protocol.
        closesAfterResponse = isDraining || !head.isKeepAlive || HTTP1Head.asksForUpgrade(head)
        let exchange = HTTP1Exchange(
            id: lastID, connection: self, offeredUpgrade: HTTP1Head.offeredUpgrade(head))
        phase = .busy(exchange)
        setDeadline(in: handler.bodyTimeout)
        let block: HeaderBlock
        switch HTTP1Head.block(head, isSecure: isSecure, limits: config.limits) {
        case .block(let headers): block = headers
        case .refused(let status, let reason): return refuse(status, reason)
        }
        if head.version == .http1_1, head.headers.contains(name: "expect") {
            guard head.headers[canonicalForm: "expect"].allSatisfy({ $0.lowercased() == "100-continue" }) else {
                return refuse(417, "the only expectation that is met is 100-continue")
            }
            context.writeAndFlush(
                wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
        }
        starting = handler.open(exchange, block)
    }

    /// Ends a request whose body does not come as it must. Its caller gets an error.
    private func giveUp(_ exchange: HTTP1Exchange, _ status: Int, _ reason: String) {
        starting?.abandon()
        starting = nil
        exchange.fail(.connectionLost(reason))
        phase = .idle
        refuse(status, reason)
    }

    /// Answers with an error, and closes.
    private func refuse(_ status: Int, _ reason: String) {
        let exchange: HTTP1Exchange
        if case .busy(let current) = phase {
            exchange = current
        } else {
            exchange = HTTP1Exchange(id: lastID &+ 1, connection: self)
            phase = .busy(exchange)
            hasSentHead = false
            suppressesBody = false
        }
        logger.debug("refused a request", metadata: ["peer": "\(remotePeer)", "cause": "\(reason)"])
        closesAfterResponse = true
        let (fields, body) = handler.refuse(status, reason)
        try? exchange.send(head: fields, isEnd: false, isBodyNext: true)
        exchange.send(lastBody: body)
        try? exchange.send(end: .data)
    }

    // MARK: - The response

    /// Writes what an exchange has to send, as far as the client takes it.
    func flush(_ exchange: HTTP1Exchange) {
        if case .upgraded(_, let other) = phase { return other.flush() }
        guard case .busy(let current) = phase, current === exchange, !exchange.hasSentEnd, !isReading, let context
        else { return }
        let head = exchange.takeHead()
        guard head != nil || hasSentHead else { return }
        if let head, let upgrade = exchange.upgrade, let response = HTTP1Head.switching(head, to: upgrade.name) {
            return change(to: upgrade, exchange, response, context)
        }
        var buffer = context.channel.allocator.buffer(capacity: 0)
        var limit = Self.firstChunkBytes
        var (count, end) = read(exchange, limit, into: &buffer)
        if let head {
            hasSentHead = true
            // A client that has not sent its whole body cannot be waited for.
            if end != nil, !exchange.hasReceivedEnd { closesAfterResponse = true }
            if isDraining { closesAfterResponse = true }
            let isWhole = if case .data? = end { true } else { false }
            context.write(
                wrapOutboundOut(
                    .head(HTTP1Head.response(head, bodyBytes: isWhole ? count : nil, isClosing: closesAfterResponse))),
                promise: nil)
        }
        while true {
            if count > 0, !suppressesBody { context.write(wrapOutboundOut(.body(.byteBuffer(buffer))), promise: nil) }
            if let end { return finish(exchange, end, context) }
            guard count == limit, context.channel.isWritable else { break }
            limit = Self.chunkBytes
            buffer = context.channel.allocator.buffer(capacity: 0)
            (count, end) = read(exchange, limit, into: &buffer)
        }
        context.flush()
        setDeadline(in: context.channel.isWritable ? nil : TimeAmount(config.limits.writeTimeout))
    }

    private func read(
        _ exchange: HTTP1Exchange, _ limit: Int, into buffer: inout ByteBuffer
    ) -> (count: Int, end: StreamEnd?) {
        var end: StreamEnd?
        let count = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: limit) { bytes in
            let result = exchange.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes.prefix(limit)))
            end = result.end
            return result.count
        }
        return (count, end)
    }

    private func finish(_ exchange: HTTP1Exchange, _ end: StreamEnd, _ context: ChannelHandlerContext) {
        exchange.ended()
        var trailers: HTTPHeaders?
        if case .trailers(let block) = end { trailers = HTTP1Head.fields(block) }
        if !exchange.hasReceivedEnd { closesAfterResponse = true }
        if closesAfterResponse {
            phase = .lingering
            context.writeAndFlush(wrapOutboundOut(.end(trailers)), promise: nil)
            // Closing while bytes of the client wait would have the system drop the response.
            if !isSecure { context.close(mode: .output, promise: nil) } else { context.close(promise: nil) }
            setDeadline(in: Self.lastSecond)
            resumeReading()
        } else {
            requestEnded()
            context.writeAndFlush(wrapOutboundOut(.end(trailers)), promise: nil)
        }
    }

    private func requestEnded() {
        phase = .idle
        resumeReading()
        setDeadline(in: isDraining ? Self.lastSecond : handler.idleTimeout)
    }

    /// Sends a response 101, and has another protocol take the place of HTTP.
    private func change(
        to upgrade: HTTP1Upgrade, _ exchange: HTTP1Exchange, _ response: HTTPResponseHead,
        _ context: ChannelHandlerContext
    ) {
        context.write(wrapOutboundOut(.head(response)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        let other = upgrade.make(exchange, self)
        phase = .upgraded(exchange, other)
        let pipeline = context.pipeline.syncOperations
        do {
            try other.addHandlers(to: pipeline, before: self)
        } catch {
            return close("the protocol could not be changed")
        }
        for handler in codec { pipeline.removeHandler(handler, promise: nil) }
        codec = []
        other.flush()
    }

    // MARK: - The flow of a body

    func pauseReading() {
        guard !isReadingPaused else { return }
        isReadingPaused = true
        try? context?.channel.syncOptions?.setOption(.autoRead, value: false)
    }

    func resumeReading() {
        guard isReadingPaused else { return }
        isReadingPaused = false
        try? context?.channel.syncOptions?.setOption(.autoRead, value: true)
    }

    /// The reader of an exchange has taken bytes of the body.
    func bodyWasRead(of exchange: HTTP1Exchange) {
        exchange.takeCredit()
        if case .upgraded(_, let other) = phase { return other.bodyWasRead() }
        guard isReadingPaused, case .busy(let current) = phase, current === exchange,
            exchange.unreadBytes <= config.limits.streamWindowBytes
        else { return }
        if !exchange.hasReceivedEnd { setDeadline(in: handler.bodyTimeout) }
        resumeReading()
    }

    // MARK: - Time

    /// Closes the connection after this time, unless that is put off again.
    func setDeadline(in time: TimeAmount?) {
        guard let time else {
            deadline = nil
            return
        }
        let next = NIODeadline.now() + time
        deadline = next
        wasHeldUp = false
        // A timer that fires before looks at the deadline then.
        if let timer {
            guard next < timer.deadline else { return }
            timer.task.cancel()
        }
        schedule(next)
    }

    private func schedule(_ time: NIODeadline) {
        let task = loop.assumeIsolated().scheduleTask(deadline: time) {
            self.timer = nil
            guard let deadline = self.deadline else { return }
            let now = NIODeadline.now()
            guard deadline <= now else { return self.schedule(deadline) }
            // A loop that was held up first takes the bytes that have come meanwhile: they may be a request.
            if now - deadline > Self.holdUp, !self.wasHeldUp {
                self.wasHeldUp = true
                self.deadline = now + Self.holdUp
                return self.schedule(now + Self.holdUp)
            }
            self.timeIsUp()
        }
        timer = (task, time)
    }

    private func timeIsUp() {
        switch phase {
        case .busy(let exchange) where !exchange.hasReceivedEnd && !hasSentHead:
            giveUp(exchange, 408, "the body of the request did not come in time")
        case .busy:
            close("the client took too long")
        case .upgraded(_, let other):
            other.timeIsUp()
        case .idle, .lingering, .closed:
            close("there was no request for too long")
        }
    }

    // MARK: - The end

    /// Closes at once.
    func close(_ reason: String) {
        self.reason = self.reason ?? reason
        context?.close(promise: nil)
        closed()
    }

    private func closed() {
        if case .closed = phase { return }
        let last = phase
        phase = .closed
        timer?.task.cancel()
        timer = nil
        deadline = nil
        context = nil
        let reason = self.reason ?? "the client closed the connection"
        starting?.abandon()
        starting = nil
        switch last {
        case .busy(let exchange), .upgraded(let exchange, _): exchange.fail(.connectionLost(reason))
        case .idle, .lingering, .closed: break
        }
        codec = []
        logger.debug("connection closed", metadata: ["peer": "\(remotePeer)", "reason": "\(reason)"])
        tasks.connectionClosed()
    }
}
