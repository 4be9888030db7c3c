import NIOCore
import Synchronization

/// One HTTP/2 connection: the last handler of its channel, with one nghttp2 session and all of its streams.
///
/// There are no channels for streams. Bytes that arrive go through nghttp2 into the streams' inbound halves; streams
/// that have something to be sent are marked dirty and visited, all of them, once per tick of the event loop, and what
/// nghttp2 then has to say leaves in one write.
// @unchecked: what is neither immutable, atomic nor behind a lock is private and confined to `loop`: it is touched by
// channel handler methods and by nghttp2's callbacks, which NIO and `tick` call there, and by functions that begin by
// hopping there.
final class HTTP2Connection: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Role: Sendable {
        case server(maxConcurrentStreams: Int)
        case client(authority: String, userAgent: String)
    }

    private enum Phase {
        /// The peer's settings have not come yet.
        case starting
        case open
        /// One side has said that there will be no more streams.
        case draining
        /// All is said; this side waits for the peer to close.
        case lingering
        case closed
    }

    let loop: any EventLoop
    let limits: TransportLimits
    let role: Role
    private let dirty = DirtyStreams()
    /// Streams that this side has made and that are not over yet; for clients only.
    private let madeStreams = Atomic<Int>(0)

    // Confined to the event loop. What is not private is for HTTP2ConnectionEvents.swift.
    private(set) var delegate: (any HTTP2ConnectionDelegate)?
    private var context: ChannelHandlerContext?
    private(set) var session: HTTP2Session?
    private var phase = Phase.starting
    private(set) var drain: ServerDrain?
    private var isDrainRequested = false
    private var writer = SocketWriter()
    private var servicing: [HTTP2Stream] = []
    private var isInTick = false
    private var isFlushing = false
    private var abortFailure: StreamFailure?
    private(set) var remotePeer = "unknown"
    private(set) var localPeer = "unknown"

    var streams: StreamTable
    var headers: HeaderCollector
    /// Whether the peer's settings have come and were not acted on yet.
    var settingsArrived = false
    /// The peer's GOAWAY, if it was not acted on yet.
    var goAway: String?
    /// The last error that nghttp2 explained.
    var sessionError: String?
    /// Why the connection is, or will be, closed.
    var closeReason: String?

    /// How long a finished connection waits for its client to close first. Closing with unread bytes makes the kernel
    /// reset the connection, which can destroy responses that the client has not read yet.
    private static let lingerTime = TimeAmount.seconds(1)

    init(
        role: Role,
        limits: TransportLimits,
        maxQueuedRequests: Int,
        loop: any EventLoop,
        delegate: any HTTP2ConnectionDelegate
    ) {
        self.role = role
        self.limits = limits
        self.loop = loop
        self.delegate = delegate
        self.streams = StreamTable(maxQueuedRequests: maxQueuedRequests)
        self.headers = HeaderCollector(limit: limits.maxHeaderListBytes)
    }

    // MARK: From any thread

    /// Makes a stream for a request. It is opened when its head is sent, or fails as `notProcessed` if that comes too
    /// late. Whoever makes a stream resets it at the end, whatever has become of it.
    func makeStream(deadline: NIODeadline?) -> HTTP2Stream {
        self.madeStreams.add(1, ordering: .relaxed)
        return HTTP2Stream(connection: self, limits: self.limits, deadline: deadline)
    }

    /// Has the event loop look after `stream` soon.
    func markDirty(_ stream: HTTP2Stream) {
        if self.dirty.add(stream) {
            self.loop.execute { self.tick() }
        }
    }

    /// Takes no new streams, lets those that are open end, then closes.
    func beginGracefulShutdown() {
        self.loop.execute {
            guard self.phase != .closed, !self.isDrainRequested else { return }
            self.isDrainRequested = true
            self.startDraining()
            self.tick()
        }
    }

    private func startDraining() {
        guard self.isDrainRequested, case .server = self.role, let session = self.session else { return }
        self.drain = ServerDrain(session: session, loop: self.loop) { self.tick() }
    }

    /// Closes at once; streams that are open fail with `failure`.
    func close(_ failure: StreamFailure, reason: String) {
        self.loop.execute {
            self.closeReason = self.closeReason ?? reason
            self.abortFailure = failure
            self.session?.terminate(.noError)
            self.flush()
            self.context?.close(promise: nil)
        }
    }

    // MARK: Channel handler

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive {
            self.start(context)
        }
    }

    func channelActive(context: ChannelHandlerContext) {
        self.start(context)
        context.fireChannelActive()
    }

    private func start(_ context: ChannelHandlerContext) {
        guard self.context == nil else { return }
        self.context = context
        self.remotePeer = context.channel.remoteAddress.map(TransportAddress.peerDescription) ?? "unknown"
        self.localPeer = context.channel.localAddress.map(TransportAddress.peerDescription) ?? "unknown"
        do {
            self.session = try HTTP2Session(connection: self, role: self.role, limits: self.limits)
            // Either may have been asked for before there was a session to do it with.
            self.startDraining()
            self.flush()
            if self.abortFailure != nil {
                context.close(promise: nil)
            }
        } catch {
            self.fail("\(error)")
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let session = self.session, self.phase != .lingering else { return }
        let buffer = self.unwrapInboundIn(data)
        self.isInTick = true
        do {
            try buffer.withUnsafeReadableBytes { try session.receive($0) }
        } catch {
            self.fail("\(error)")
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if self.settingsArrived {
            self.settingsArrived = false
            if case .starting = self.phase {
                self.phase = .open
                self.delegate?.connectionReady(self)
            }
        }
        if let reason = self.goAway {
            self.goAway = nil
            self.peerIsGoingAway(reason)
        }
        self.delegate?.connectionReadComplete(self)
        self.isInTick = false
        self.tick()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable, !self.isFlushing {
            self.tick()
        }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.closeReason = self.closeReason ?? "\(error)"
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.closed()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.closed()
    }

    private func closed() {
        guard self.phase != .closed else { return }
        self.phase = .closed
        // If it is closed while bytes are being read, nobody else ends that tick.
        self.isInTick = false
        let reason = self.closeReason ?? "the peer closed the connection"
        self.closeReason = reason
        self.drain?.cancel()
        self.drain = nil
        self.session = nil
        self.context = nil
        self.failStreams()
        self.delegate?.connection(self, closed: reason)
        self.delegate = nil
    }

    /// Fails all streams that there are.
    private func failStreams() {
        for stream in self.streams.removeAll() {
            self.close(stream, self.failure(of: stream), isFailure: true)
        }
        self.serviceDirtyStreams()
    }

    private func failure(of stream: HTTP2Stream) -> StreamFailure {
        let reason = self.closeReason ?? "the connection is closing"
        return self.abortFailure ?? (stream.wasSent ? .connectionLost(reason) : .notProcessed(reason))
    }

    /// Gives the connection up because of an error on this side.
    private func fail(_ reason: String) {
        self.closeReason = self.closeReason ?? reason
        self.context?.close(promise: nil)
    }

    /// Ends a stream on this side, with `failure` for whoever still reads or writes.
    func close(_ stream: HTTP2Stream, _ failure: StreamFailure, isFailure: Bool) {
        guard !stream.isClosed else { return }
        stream.close(failure, isFailure: isFailure)
        if case .client = self.role {
            self.madeStreams.subtract(1, ordering: .relaxed)
        }
    }

    // MARK: Sending

    /// Does what streams ask for, and sends what there is to be sent.
    private func tick() {
        guard !self.isInTick else { return }
        self.isInTick = true
        self.serviceDirtyStreams()
        if let drain = self.drain, let session = self.session {
            drain.advance(session)
        }
        self.isInTick = false
        while let session = self.session {
            for (stream, failure) in self.streams.submitRequests(to: session) {
                self.close(stream, failure, isFailure: true)
            }
            if case .client = self.role, !session.hasStreamNumbers {
                self.peerIsGoingAway("the connection has used up its stream numbers")
            }
            self.flush()
            // A reset that was sent may have made room for a request that waits.
            if !self.streams.canSubmitRequest(to: session) { break }
        }
        self.closeIfDone()
    }

    private func serviceDirtyStreams() {
        self.dirty.take(&self.servicing)
        for stream in self.servicing {
            self.service(stream)
        }
        self.servicing.removeAll(keepingCapacity: true)
    }

    private func service(_ stream: HTTP2Stream) {
        guard !stream.isClosed else { return }
        guard let session = self.session, self.phase != .lingering else {
            self.close(stream, self.failure(of: stream), isFailure: true)
            return
        }
        let reset = stream.takeReset()
        if stream.id == 0 {
            self.serviceRequest(stream, reset: reset)
        } else if let reset {
            session.reset(id: stream.id, reset)
        } else {
            if let head = stream.takeHead() {
                session.submitResponse(head, stream: stream)
            } else {
                session.resumeData(id: stream.id)
            }
            let credit = stream.takeCredit()
            if credit > 0 {
                session.creditStream(id: stream.id, credit)
            }
        }
    }

    private func flush() {
        guard let context = self.context, let session = self.session, !self.isFlushing else { return }
        self.isFlushing = true
        defer { self.isFlushing = false }
        do {
            // A write that fails closes the connection, and with it the session, at once.
            while self.session != nil, let bytes = try self.writer.next(from: session, to: context.channel) {
                context.writeAndFlush(self.wrapOutboundOut(bytes), promise: nil)
            }
        } catch {
            self.fail("\(error)")
        }
    }

    private func closeIfDone() {
        guard let context = self.context, let session = self.session, self.phase != .lingering else { return }
        if case .client = self.role, self.isDrainRequested, self.madeStreams.load(ordering: .relaxed) == 0 {
            session.terminate(.noError)
            self.flush()
        }
        guard session.isFinished else { return }
        let isOrderly = self.isDrainRequested || self.phase == .draining
        let error = isOrderly ? nil : self.sessionError.map { "HTTP/2: \($0)" }
        self.closeReason = self.closeReason ?? error ?? "the connection was shut down"
        switch self.role {
        case .client:
            context.close(promise: nil)
        case .server:
            self.phase = .lingering
            // There are some only if an error ended the connection.
            self.failStreams()
            context.close(mode: .output, promise: nil)
            self.loop.scheduleTask(in: Self.lingerTime) { [weak self] in
                self?.context?.close(promise: nil)
            }
        }
    }

    // MARK: Requests

    private func serviceRequest(_ stream: HTTP2Stream, reset: HTTP2ErrorCode?) {
        if reset != nil {
            self.streams.dequeue(stream)
            self.close(stream, .cancelled, isFailure: true)
            return
        }
        guard let head = stream.takeHead() else { return }
        if let deadline = stream.deadline {
            stream.deadlineTimer = self.loop.scheduleTask(deadline: deadline) {
                stream.reset(.cancel, failure: .deadlineExceeded)
            }
        }
        do throws(StreamFailure) {
            guard self.phase != .draining else { throw .notProcessed("the peer takes no more calls") }
            try self.streams.enqueue(stream, head)
        } catch {
            self.close(stream, error, isFailure: true)
        }
    }

    private func peerIsGoingAway(_ reason: String) {
        guard self.phase == .open || self.phase == .starting else { return }
        self.phase = .draining
        for stream in self.streams.removeRequests() {
            self.close(stream, .notProcessed(reason), isFailure: true)
        }
        self.delegate?.connection(self, isDraining: reason)
    }
}
