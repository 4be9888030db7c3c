import Logging
import NIOCore
import NIOHTTP1
import NIOSSL

/// One connection of HTTP/1.1 on a server: the last handler of its channel, behind NIO's decoder. It serves one request at a
/// time, and reads no further ones meanwhile.
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
final class HTTP1Connection: ChannelDuplexHandler, @unchecked Sendable {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

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
    let scheduler: LoopScheduler
    let tasks: RequestTasks
    let handler: HTTP1Handler
    private let isSecure: Bool
    private let logger: Logger

    // MARK: - Event loop

    private var context: ChannelHandlerContext?
    private let deadline: HTTP1Deadline
    private var phase = Phase.idle
    private var lastID: Int32 = 0
    private(set) var isDraining = false
    /// Whether the connection closes behind the current response.
    private var closesAfterResponse = false
    private var hasSentHead = false
    private var isHeadRequest = false
    private var isHTTP10 = false
    private var writer = HTTP1ResponseWriter()
    private var isReadingPaused = false
    private var starting: (any RequestTask)?
    /// Whether bytes are being read: what there is to send waits for the last of them, which may end the request.
    private var isReading = false
    /// Whether requests are being answered: a client that sends many at once must not fill the stack.
    private var isAnswering = false
    private var waiting = WaitingRequests()
    /// Whether the channel wants to read, which waits for the response.
    private var isReadDue = false
    private var reason: String?
    /// The decoder of HTTP, as long as the connection speaks it.
    private var decoder: (any RemovableChannelHandler)?
    private var requests: BoundedRequestDecoder?
    private(set) var remotePeer = "unknown"
    private(set) var localPeer = "unknown"
    private(set) var peerCertificate: NIOSSLCertificate?

    init(
        handler: HTTP1Handler,
        config: HTTP2ConnectionConfig,
        isSecure: Bool,
        scheduler: LoopScheduler,
        runsOnEventLoop: Bool,
        logger: Logger,
        onFinish: @escaping @Sendable () -> Void
    ) {
        self.handler = handler
        self.config = config
        self.isSecure = isSecure
        self.scheduler = scheduler
        self.logger = logger
        loop = scheduler.loop
        deadline = HTTP1Deadline(timer: scheduler.deadlines)
        tasks = RequestTasks(executor: runsOnEventLoop ? scheduler : nil, onFinish: onFinish)
    }

    /// Adds the codec and the connection to a channel.
    func add(to pipeline: ChannelPipeline.SynchronousOperations) throws {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderListSize = config.limits.maxHeaderListBytes
        limits.maxHeaderFieldSize = config.limits.maxHeaderListBytes
        limits.maxHeaderFieldCount = config.limits.maxHeaderFields
        // Bytes are left over when another protocol takes the place of HTTP: they are the other's.
        let requests = BoundedRequestDecoder(
            HTTPRequestDecoder(
                leftOverBytesStrategy: .forwardBytes, informationalResponseStrategy: .drop, limitConfiguration: limits),
            maxBytes: config.limits.maxHeaderListBytes)
        let decoder = ByteToMessageHandler(requests)
        try pipeline.addHandlers(decoder, self)
        self.requests = requests
        self.decoder = decoder
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
        deadline.begin { self.timeIsUp() }
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
        let part = unwrapInboundIn(data)
        requests?.made(part)
        take(.part(part))
    }

    /// Starts the task only now: the body that came with the head is there then, and the task does not wait for it.
    func channelReadComplete(context: ChannelHandlerContext) {
        if !isAnswering { answer() }
        context.fireChannelReadComplete()
    }

    /// While requests wait for the one that is served, no further ones are read.
    func read(context: ChannelHandlerContext) {
        if waiting.isEmpty { context.read() } else { isReadDue = true }
    }

    /// Whether all of the request that is served has come.
    private var isServingWholeRequest: Bool {
        if case .busy(let exchange) = phase { exchange.hasReceivedEnd } else { false }
    }

    private func readOn() {
        guard isReadDue, waiting.isEmpty else { return }
        isReadDue = false
        context?.read()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch (error, phase) {
        case (let error as HTTPParserError, _):
            take(.error(error))
        case (is ByteToMessageDecoderError, .lingering):
            // Closing now would have the system drop the response.
            break
        case (is ByteToMessageDecoderError, .busy) where closesAfterResponse:
            // Nobody reads the bytes behind a request that was refused.
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

    /// Takes what belongs to the present request; anything else waits until that is answered.
    private func take(_ event: WaitingRequests.Event) {
        if waiting.isEmpty, !isServingWholeRequest { receive(event) } else { waiting.append(event) }
    }

    private func receive(_ event: WaitingRequests.Event) {
        switch (event, phase) {
        case (.part(.head(let head)), .idle):
            open(head)
        case (.part(.body(let bytes)), .busy(let exchange)):
            exchange.receive(bytes)
            setDeadline(in: handler.bodyTimeout)
            if exchange.unreadBytes > config.limits.streamWindowBytes {
                setDeadline(in: nil)
                pauseReading()
            }
        case (.part(.end), .busy(let exchange)):
            setDeadline(in: nil)
            exchange.receiveEnd()
        case (.error(.headerOverflow), .idle):
            refuse(431, "the head of the request is larger than \(config.limits.maxHeaderListBytes) bytes")
        case (.error, .idle):
            refuse(400, "the request is not one of HTTP/1.1")
        case (.error, .busy(let exchange)) where !exchange.hasReceivedEnd && !hasSentHead:
            giveUp(exchange, 400, "the body of the request is not one of HTTP/1.1")
        case (.error(let error), .busy):
            close(ConnectionError.reason(error))
        default:
            // Nothing is taken any more.
            break
        }
    }

    /// Serves the requests that have come, one after the other, as far as they can be answered at once.
    private func answer() {
        isAnswering = true
        var count = 0
        repeat {
            // The other connections have their turn.
            guard count < Self.requestsPerTurn else { return loop.execute { self.answer() } }
            count += 1
            isReading = false
            if let request = starting {
                starting = nil
                // On the event loop, the task runs now: its response leaves before the loop looks at other sockets.
                scheduler.hold()
                tasks.start(request)
                scheduler.run()
            }
            if case .busy(let exchange) = phase { flush(exchange) }
        } while takeNext()
        isAnswering = false
    }

    /// Takes the next request that waits, as far as it has come.
    ///
    /// - Returns: Whether there is one.
    private func takeNext() -> Bool {
        guard case .idle = phase, !waiting.isEmpty else { return false }
        isReading = true
        while !isServingWholeRequest, let event = waiting.takeFirst() { receive(event) }
        readOn()
        return true
    }

    private func open(_ head: HTTPRequestHead) {
        lastID = lastID &+ 1
        hasSentHead = false
        isHeadRequest = head.method == .HEAD
        isHTTP10 = head.version == .http1_0
        let rules = HTTP1Head.Rules(head.headers)
        // The codec reads no request behind one that asks for another protocol.
        let asksForUpgrade = HTTP1Head.asksForUpgrade(head, rules)
        closesAfterResponse = isDraining || !head.isKeepAlive || asksForUpgrade
        let exchange = HTTP1Exchange(
            id: lastID, connection: self, offeredUpgrade: asksForUpgrade ? HTTP1Head.offeredUpgrade(head) : nil)
        phase = .busy(exchange)
        setDeadline(in: handler.bodyTimeout)
        let block: HeaderBlock
        switch HTTP1Head.block(head, rules, isSecure: isSecure, limits: config.limits) {
        case .block(let headers): block = headers
        case .refused(let status, let reason): return refuse(status, reason)
        }
        if rules.hasExpectation, head.version == .http1_1 {
            guard head.headers[canonicalForm: "expect"].allSatisfy({ $0.lowercased() == "100-continue" }) else {
                return refuse(417, "the only expectation that is met is 100-continue")
            }
            starting = handler.open(exchange, block)
            // The body of a request that is answered already is not asked for.
            if starting != nil {
                context?.writeAndFlush(
                    wrapOutboundOut(ByteBuffer(staticString: "HTTP/1.1 100 Continue\r\n\r\n")), promise: nil)
            }
            return
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
            isHeadRequest = false
            isHTTP10 = false
        }
        logger.debug(
            "refused a request", metadata: ["peer": "\(remotePeer)", "cause": "\(LimitReporter.shortened(reason))"])
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
        if let head, let upgrade = exchange.upgrade, HTTP1Head.isSwitching(head) {
            return change(to: upgrade, exchange, head, context)
        }
        var buffer = scheduler.spareBuffer.take()
        if let head { write(head, exchange, to: &buffer) }
        var limit = Self.firstChunkBytes
        while true {
            let (count, end) = writer.writePiece(of: exchange, upTo: limit, to: &buffer)
            if let end { return finish(exchange, end, &buffer, context) }
            if buffer.readableBytes > 0 { context.write(wrapOutboundOut(buffer), promise: nil) }
            guard count == limit, context.channel.isWritable else { break }
            limit = Self.chunkBytes
            buffer = context.channel.allocator.buffer(capacity: limit + HTTP1ResponseWriter.chunkOverhead)
        }
        context.flush()
        scheduler.spareBuffer.giveBack(buffer)
        setDeadline(in: context.channel.isWritable ? nil : TimeAmount(config.limits.writeTimeout))
    }

    private func write(_ head: HeaderBlock, _ exchange: HTTP1Exchange, to buffer: inout ByteBuffer) {
        hasSentHead = true
        let rest = exchange.rest
        // A client that has not sent its whole body cannot be waited for.
        if rest.hasEnded, !exchange.hasReceivedEnd { closesAfterResponse = true }
        if isDraining { closesAfterResponse = true }
        closesAfterResponse = writer.write(
            head: head,
            HTTP1ResponseWriter.Context(
                bodyBytes: rest.bytes,
                isHeadRequest: isHeadRequest,
                isHTTP10: isHTTP10,
                isClosing: closesAfterResponse
            ),
            to: &buffer
        )
    }

    private func finish(
        _ exchange: HTTP1Exchange, _ end: StreamEnd, _ buffer: inout ByteBuffer, _ context: ChannelHandlerContext
    ) {
        exchange.ended()
        var trailers: HeaderBlock?
        if case .trailers(let block) = end { trailers = block }
        writer.writeEnd(trailers, to: &buffer)
        if !exchange.hasReceivedEnd { closesAfterResponse = true }
        if closesAfterResponse {
            phase = .lingering
            waiting.removeAll()
            context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
            // Closing while bytes of the client wait would have the system drop the response.
            if !isSecure { context.close(mode: .output, promise: nil) } else { context.close(promise: nil) }
            setDeadline(in: Self.lastSecond)
            resumeReading()
            readOn()
        } else {
            context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
            scheduler.spareBuffer.giveBack(buffer)
            requestEnded()
        }
    }

    private func requestEnded() {
        phase = .idle
        resumeReading()
        setDeadline(in: isDraining ? Self.lastSecond : handler.idleTimeout)
        readOn()
        // Not now: this may be a step of the request's task, whose task-local values are none of the next request's.
        if !isAnswering, !waiting.isEmpty { loop.execute { self.answer() } }
    }

    /// Sends a response 101, and has another protocol take the place of HTTP.
    private func change(
        to upgrade: HTTP1Upgrade, _ exchange: HTTP1Exchange, _ head: HeaderBlock, _ context: ChannelHandlerContext
    ) {
        var buffer = context.channel.allocator.buffer(capacity: Self.firstChunkBytes)
        HTTP1ResponseWriter.write(switching: head, to: upgrade.name, to: &buffer)
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
        let other = upgrade.make(exchange, self)
        phase = .upgraded(exchange, other)
        let pipeline = context.pipeline.syncOperations
        do {
            try other.addHandlers(to: pipeline, before: self)
        } catch {
            return close("the protocol could not be changed")
        }
        if let decoder { pipeline.removeHandler(decoder, promise: nil) }
        decoder = nil
        readOn()
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
    func setDeadline(in time: TimeAmount?) { deadline.set(in: time) }

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
        deadline.end()
        context = nil
        let reason = self.reason ?? "the client closed the connection"
        starting?.abandon()
        starting = nil
        switch last {
        case .busy(let exchange), .upgraded(let exchange, _): exchange.fail(.connectionLost(reason))
        case .idle, .lingering, .closed: break
        }
        decoder = nil
        waiting.removeAll()
        logger.debug("connection closed", metadata: ["peer": "\(remotePeer)", "reason": "\(reason)"])
        tasks.connectionClosed()
    }
}
