import Glibc
import NIOCore
import NIOSSL
import NIOTLS
import Synchronization

/// One HTTP/2 connection: the last handler of its channel, with one nghttp2 session and all of its streams.
///
/// There are no channels for streams. Bytes that arrive go through nghttp2 into the streams' inbound halves; streams
/// that have something to be sent are visited by the `LoopScheduler`, all of them once per turn of the event loop, and
/// what nghttp2 then has to say leaves in one write.
// @unchecked: what is neither immutable, atomic nor behind a lock is confined to `loop`: it is touched by channel handler
// methods, by nghttp2's callbacks and by the scheduler, which all run there, and by functions that begin by hopping there.
final class HTTP2Connection: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Phase {
        /// The peer's settings have not come yet.
        case starting
        case open
        /// One side has said that there will be no more streams.
        case draining
        /// All is said; this side waits for the peer to close.
        case lingering
        case closed
    }

    /// Tells connections apart, also those of different times.
    let id = HTTP2Connection.lastID.add(1, ordering: .relaxed).newValue
    let scheduler: LoopScheduler
    let config: HTTP2ConnectionConfig
    let inboundBudget = InboundBudget()
    /// Streams that this side has made and that are not over yet; for clients only.
    let madeStreams = Atomic<Int>(0)
    /// How many streams the peer lets this side have open; for clients only.
    private let allowedStreams = Atomic<Int>(Int.max)
    /// Whether no more calls are to be made here; for clients only.
    private let hasEnded = Atomic<Bool>(false)

    // Confined to the event loop. What is not private is for the extensions in other files, and the scheduler.
    private(set) var delegate: (any HTTP2ConnectionDelegate)?
    var context: ChannelHandlerContext?
    private(set) var session: HTTP2Session?
    var phase = Phase.starting
    private(set) var drain: ServerDrain?
    private(set) var isDrainRequested = false
    private var isReading = false
    private var hasRead = false
    /// Streams whose readers are resumed when what has arrived is through: then mostly all of a response is there, and
    /// the reader need not wait again.
    private var readable: [HTTP2Stream] = []
    var isFlushing = false
    private var abortFailure: StreamFailure?
    var hasCalmedDown = false
    var careTimer: (task: Scheduled<Void>, deadline: NIODeadline)?
    private(set) var remotePeer = "unknown"
    private(set) var localPeer = "unknown"
    private(set) var peerCertificate: NIOSSLCertificate?

    /// Whether the scheduler will call `sendPending`.
    var isTouched = false
    var streams: StreamTable
    var headers: HeaderCollector
    var care: ConnectionCare
    var flood: FloodGuard
    private var unknownFrames: UnknownFrames
    var pings: PingPolicy?
    var limitLog: LimitLog
    /// Whether the peer's settings have come and were not acted on yet.
    var settingsArrived = false
    /// The peer's GOAWAY, if it was not acted on yet.
    var goAway: String?
    /// Whether the peer has said that it was pinged too often.
    var peerWantsFewerPings = false
    /// The last error that nghttp2 explained.
    var sessionError: String?
    /// Why the connection is, or will be, closed.
    var closeReason: String?

    private static let lastID = Atomic<Int>(0)
    /// What TLS is to negotiate (ALPN).
    static let applicationProtocol = "h2"
    init(config: HTTP2ConnectionConfig, scheduler: LoopScheduler, delegate: any HTTP2ConnectionDelegate) {
        self.config = config
        self.scheduler = scheduler
        self.delegate = delegate
        let now = NIODeadline.now()
        var generator = SystemRandomNumberGenerator()
        self.streams = StreamTable(maxQueuedRequests: config.maxQueuedRequests)
        self.headers = HeaderCollector(limits: config.limits)
        self.care = ConnectionCare(times: config.times, now: now, using: &generator)
        self.flood = FloodGuard(limits: config.limits, now: now)
        self.unknownFrames =
            if case .server = config.role { UnknownFrames(expectsPreface: true) } else {
                UnknownFrames(expectsPreface: false)
            }
        self.pings = config.pings.map {
            PingPolicy(minInterval: $0.minInterval, allowWithoutCalls: $0.allowWithoutCalls)
        }
        self.limitLog = LimitLog(reporter: config.reporter)
    }

    var loop: any EventLoop { self.scheduler.loop }

    var isServer: Bool {
        if case .server = self.config.role { true } else { false }
    }

    // MARK: From any thread

    /// Makes a stream for a request. It is opened when its head is sent, or fails as `notProcessed` if that comes too
    /// late. Whoever makes a stream resets it at the end, whatever has become of it.
    func makeStream(deadline: NIODeadline?) -> HTTP2Stream {
        self.madeStreams.add(1, ordering: .relaxed)
        return HTTP2Stream(connection: self, deadline: deadline)
    }

    /// How many streams more the peer would take at once.
    var room: Int {
        self.allowedStreams.load(ordering: .relaxed) - self.madeStreams.load(ordering: .relaxed)
    }

    /// Whether calls can be made. It is known here before any call fails because of it, and so before its caller makes
    /// another one, which may be before the delegate is told.
    var takesCalls: Bool { !self.hasEnded.load(ordering: .acquiring) }

    /// Says that no more calls are to be made. The delegate is to be told soon.
    func stopTakingCalls() {
        self.hasEnded.store(true, ordering: .releasing)
    }

    /// Takes no new streams, lets those that are open end, then closes.
    func beginGracefulShutdown() {
        self.loop.execute {
            self.drainNow()
            self.scheduler.run(for: self)
        }
    }

    /// Closes at once; streams that are open fail with `failure`.
    func close(_ failure: StreamFailure, reason: String) {
        self.loop.execute {
            self.closeReason = self.closeReason ?? reason
            self.abortFailure = failure
            self.session?.terminate(.noError)
            self.flush()
            self.giveUp()
        }
    }

    // MARK: Channel handler

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive {
            self.connected(context)
        }
    }

    func channelActive(context: ChannelHandlerContext) {
        self.connected(context)
        context.fireChannelActive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted(let negotiated) = event as? TLSUserEvent {
            self.secured(context, negotiated: negotiated)
        }
        context.fireUserInboundEventTriggered(event)
    }

    private func connected(_ context: ChannelHandlerContext) {
        guard self.context == nil else { return }
        guard self.phase != .closed else {
            // It was given up before there was a channel.
            context.close(promise: nil)
            return
        }
        self.context = context
        self.remotePeer = context.channel.remoteAddress.map(TransportAddress.peerDescription) ?? "unknown"
        self.localPeer = context.channel.localAddress.map(TransportAddress.peerDescription) ?? "unknown"
        self.scheduleCheck()
        if case .plaintext = self.config.security {
            self.start(context)
        }
    }

    private func secured(_ context: ChannelHandlerContext, negotiated: String?) {
        guard case .tls(let requireALPN, _) = self.config.security, self.session == nil, self.phase != .closed else {
            return
        }
        guard negotiated == Self.applicationProtocol || !requireALPN && negotiated == nil else {
            let what = negotiated.map { "\"\($0)\"" } ?? "nothing"
            self.fail(
                "TLS: the peer agreed to \(what) as protocol, not to \"\(Self.applicationProtocol)\" (ALPN): it does not "
                    + "speak HTTP/2, or has not been told to"
            )
            return
        }
        self.peerCertificate = try? context.channel.pipeline.syncOperations.nioSSL_peerCertificate()
        self.start(context)
    }

    private func start(_ context: ChannelHandlerContext) {
        do {
            self.session = try HTTP2Session(connection: self, config: self.config)
            // It may have been asked for before there was a session to do it with.
            self.startDraining()
            self.flush()
        } catch {
            self.fail("\(error)")
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let session = self.session, self.phase != .lingering, self.phase != .closed else { return }
        let buffer = self.unwrapInboundIn(data)
        if !self.isReading {
            self.isReading = true
            self.scheduler.hold()
            if self.care.read(now: .now()) {
                self.scheduleCheck()
            }
            guard self.hasRead || self.isHTTP2(buffer) else { return }
            self.hasRead = true
        }
        do {
            try buffer.withUnsafeReadableBytes { bytes in
                for _ in 0..<self.unknownFrames.count(in: bytes) {
                    self.frameBegan(.control)
                }
                try session.receive(bytes)
            }
        } catch {
            self.fail("\(error)")
        }
    }

    /// Looks at the first bytes of the peer; gives the connection up if they are of another protocol.
    private func isHTTP2(_ first: ByteBuffer) -> Bool {
        guard let other = first.withUnsafeReadableBytes({ ForeignProtocol(firstBytes: $0) }) else { return true }
        self.fail(other.reason(isServer: self.isServer))
        return false
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if self.settingsArrived {
            self.settingsArrived = false
            self.applySettings()
        }
        if let reason = self.goAway {
            self.goAway = nil
            self.peerIsGoingAway(reason)
        }
        if self.isReading {
            self.isReading = false
            self.wakeReaders()
            self.delegate?.connectionReadComplete(self)
            self.scheduler.run(for: self)
        }
        context.fireChannelReadComplete()
    }

    /// Resumes the reader of a stream when all that has arrived is through.
    func wakeLater(_ stream: HTTP2Stream) {
        guard !stream.isToBeWoken else { return }
        stream.isToBeWoken = true
        self.readable.append(stream)
    }

    private func wakeReaders() {
        for stream in self.readable {
            stream.isToBeWoken = false
            stream.wakeReader()
        }
        self.readable.removeAll(keepingCapacity: true)
    }

    private func applySettings() {
        if let session = self.session, !self.isServer {
            self.allowedStreams.store(session.peerMaxConcurrentStreams, ordering: .relaxed)
        }
        guard case .starting = self.phase else { return }
        self.phase = .open
        self.care.becameReady(now: .now())
        self.scheduleCheck()
        self.delegate?.connectionReady(self)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            self.care.writingContinued()
            if !self.isFlushing {
                self.scheduler.run(for: self)
            }
        }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.fail(self.tlsReason(error, context) ?? ConnectionError.reason(error))
        // It may have been given up before, and forgotten.
        context.close(promise: nil)
    }

    private func tlsReason(_ error: any Error, _ context: ChannelHandlerContext) -> String? {
        guard case .tls(_, let expectation) = self.config.security else { return nil }
        let failure = TLSFailure(
            expectation: expectation,
            isServer: self.isServer,
            address: context.channel.remoteAddress?.ipAddress ?? self.remotePeer,
            certificate: try? context.channel.pipeline.syncOperations.nioSSL_peerCertificate(),
            now: time(nil)
        )
        return failure.reason(error)
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
        let wasSilent = self.phase == .starting && !self.hasRead && !self.isServer && !self.config.isSecure
        self.phase = .closed
        self.stopTakingCalls()
        let hint = wasSilent ? " before it said anything; does it expect TLS?" : ""
        let reason = self.closeReason ?? "the peer closed the connection\(hint)"
        self.closeReason = reason
        self.drain?.cancel()
        self.drain = nil
        self.careTimer?.task.cancel()
        self.careTimer = nil
        self.session = nil
        self.context = nil
        self.failStreams()
        self.delegate?.connection(self, closed: reason)
        self.delegate = nil
        if self.isReading {
            // Nobody else ends what `channelRead` began.
            self.isReading = false
            self.wakeReaders()
            self.scheduler.run()
        }
    }

    /// Fails all streams that there are.
    func failStreams() {
        for stream in self.streams.removeAll() {
            self.close(stream, self.failure(of: stream), isFailure: true)
        }
    }

    func failure(of stream: HTTP2Stream) -> StreamFailure {
        let reason = self.closeReason ?? "the connection is closing"
        return self.abortFailure ?? (stream.wasSent ? .connectionLost(reason) : .notProcessed(reason))
    }

    /// Gives the connection up because of an error on this side.
    func fail(_ reason: String) {
        self.closeReason = self.closeReason ?? reason
        self.giveUp()
    }

    /// Closes at once, as far as calls and the delegate can tell: over TLS the channel waits for the peer's goodbye.
    func giveUp() {
        self.context?.close(promise: nil)
        self.closed()
    }

    /// Ends a stream on this side, with `failure` for whoever still reads or writes.
    func close(_ stream: HTTP2Stream, _ failure: StreamFailure, isFailure: Bool) {
        guard !stream.isClosed else { return }
        stream.close(failure, isFailure: isFailure)
        if !self.isServer {
            self.madeStreams.subtract(1, ordering: .relaxed)
        }
    }

    // MARK: Draining

    func drainNow() {
        guard self.phase != .closed, !self.isDrainRequested else { return }
        self.isDrainRequested = true
        self.care.isBeingDrained()
        self.startDraining()
    }

    private func startDraining() {
        guard self.isDrainRequested, self.isServer, let session = self.session else { return }
        self.drain = ServerDrain(session: session, loop: self.loop) { self.scheduler.run(for: self) }
    }
}
