import Glibc
import NIOCore
import NIOSSL
import NIOTLS
import Synchronization

/// One HTTP/2 connection: the last handler of its channel, with one nghttp2 session and all of its streams.
///
/// Streams have no channels. Bytes that arrive go through nghttp2 into the inbound halves of the streams. The
/// `LoopScheduler` visits all streams that want to send, once per turn of the event loop; then the output of nghttp2 leaves
/// in one write.
///
/// | phase | event | phase | effect |
/// |---|---|---|---|
/// | starting | the peer's settings | open | the delegate hears that the connection is ready |
/// | starting, open | the peer's GOAWAY; a client's stream numbers are used up | draining | requests that wait fail as `notProcessed`; the delegate hears of it |
/// | starting, open, draining | a server has sent and received all | lingering | streams that are left fail; the output is closed |
/// | starting, open, draining | a client has sent and received all | closed | as below |
/// | lingering | a second has passed | closed | as below |
/// | any but closed | the channel closes; an error; `close(_:reason:)` | closed | the session ends, all streams fail, the delegate hears of it and of nothing more |
///
/// `beginGracefulShutdown` changes no phase. A server then takes the steps of `ServerDrain`; a client ends the session when
/// the last of its streams is over. Either leads to "has sent and received all".
// @unchecked: the properties that are neither immutable nor atomic are confined to `loop`. Channel handler methods,
// nghttp2's callbacks and the scheduler touch them, which all run there, and functions that first go there.
final class HTTP2Connection: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// The parts that streams use from any thread. One object: each stream refers to it, and counts one reference.
    final class Commons: Sendable {
        let scheduler: LoopScheduler
        let config: HTTP2ConnectionConfig
        let inboundBudget = InboundBudget()

        init(_ scheduler: LoopScheduler, _ config: HTTP2ConnectionConfig) {
            self.scheduler = scheduler
            self.config = config
        }
    }

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

    /// The number of the connection in the process; no two have the same.
    let id = HTTP2Connection.lastID.add(1, ordering: .relaxed).newValue
    let commons: Commons
    /// Streams that this side has made and that are not over yet; for clients only.
    let madeStreams = Atomic<Int>(0)
    /// How many streams the peer lets this side have open; for clients only.
    private let allowedStreams = Atomic<Int>(Int.max)
    /// Whether this connection takes no more calls; for clients only.
    private let hasEnded = Atomic<Bool>(false)

    // MARK: - Confined to the event loop
    //
    // Each call touches `@exclusivity(unchecked)` properties many times, and a plain release build checked each access at
    // run time. No two accesses overlap: all are made on one thread, and the functions of these values call nothing that
    // leads back to the connection. A resumed reader runs in a later turn.

    @exclusivity(unchecked) private(set) var delegate: (any HTTP2ConnectionDelegate)?
    var context: ChannelHandlerContext?
    @exclusivity(unchecked) private(set) var session: HTTP2Session?
    var phase = Phase.starting
    var ends = ConnectionEnds()
    @exclusivity(unchecked) var turn = ReadTurn()
    var notices = PeerNotices()
    var ending = ConnectionEnding()
    @exclusivity(unchecked) var guards: PeerGuards
    @exclusivity(unchecked) var streams: StreamTable
    @exclusivity(unchecked) var headers: HeaderCollector
    var limitLog: LimitLog
    var watchdog: ConnectionWatchdog
    var watchdogTimer: (task: Scheduled<Void>, deadline: NIODeadline)?
    private(set) var drain: ServerDrain?
    private(set) var isDrainRequested = false
    var isFlushing = false
    /// Whether the scheduler will call `sendPending`.
    var isTouched = false

    private static let lastID = Atomic<Int>(0)
    /// The protocol that TLS negotiates (ALPN).
    static let applicationProtocol = "h2"

    init(config: HTTP2ConnectionConfig, scheduler: LoopScheduler, delegate: any HTTP2ConnectionDelegate) {
        commons = Commons(scheduler, config)
        self.delegate = delegate
        let now = NIODeadline.now()
        var generator = SystemRandomNumberGenerator()
        streams = StreamTable(maxQueuedRequests: config.maxQueuedRequests)
        headers = HeaderCollector(limits: config.limits)
        watchdog = ConnectionWatchdog(times: config.times, now: now, using: &generator)
        guards = PeerGuards(
            flood: FloodGuard(limits: config.limits, now: now),
            unknownFrames: UnknownFrames(expectsPreface: config.isServer),
            pings: config.pings.map {
                PingPolicy(minInterval: $0.minInterval, allowWithoutCalls: $0.allowWithoutCalls)
            }
        )
        limitLog = LimitLog(reporter: config.reporter)
    }

    var scheduler: LoopScheduler { commons.scheduler }

    var config: HTTP2ConnectionConfig { commons.config }

    var inboundBudget: InboundBudget { commons.inboundBudget }

    var loop: any EventLoop { scheduler.loop }

    var isServer: Bool { config.isServer }

    // MARK: - From any thread

    /// Makes a stream for a request. It is opened when its head is sent, or fails as `notProcessed` if that comes too
    /// late. The maker of a stream resets it at the end, however it ended.
    func makeStream(deadline: NIODeadline?) -> HTTP2Stream {
        madeStreams.add(1, ordering: .relaxed)
        return HTTP2Stream(connection: self, deadline: deadline)
    }

    /// How many streams more the peer would take at once.
    var room: Int {
        allowedStreams.load(ordering: .relaxed) - madeStreams.load(ordering: .relaxed)
    }

    /// Whether calls can be made. It is known here before any call fails because of it, and so before its caller makes
    /// another one, which may be before the delegate is told.
    var takesCalls: Bool { !hasEnded.load(ordering: .acquiring) }

    /// Notes that this connection takes no more calls. The caller must tell the delegate soon.
    func stopTakingCalls() {
        hasEnded.store(true, ordering: .releasing)
    }

    /// Takes no new streams, lets the open ones end, then closes.
    func beginGracefulShutdown() {
        loop.execute {
            self.drainNow()
            self.scheduler.run(for: self)
        }
    }

    /// Closes at once; streams that are open fail with `failure`.
    func close(_ failure: StreamFailure, reason: String) {
        loop.execute {
            self.ending.note(reason)
            self.ending.failure = failure
            self.session?.terminate(.noError)
            self.flush()
            self.giveUp()
        }
    }

    // MARK: - Channel handler

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive {
            connected(context)
        }
    }

    func channelActive(context: ChannelHandlerContext) {
        connected(context)
        context.fireChannelActive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted(let negotiated) = event as? TLSUserEvent {
            secured(context, negotiated: negotiated)
        }
        context.fireUserInboundEventTriggered(event)
    }

    private func connected(_ context: ChannelHandlerContext) {
        guard self.context == nil else { return }
        guard phase != .closed else {
            // It was given up before there was a channel.
            context.close(promise: nil)
            return
        }
        self.context = context
        ends.remote = context.channel.remoteAddress.map(TransportAddress.peerDescription) ?? "unknown"
        ends.local = context.channel.localAddress.map(TransportAddress.peerDescription) ?? "unknown"
        scheduleCheck()
        if case .plaintext = config.security {
            start(context)
        }
    }

    private func secured(_ context: ChannelHandlerContext, negotiated: String?) {
        guard case .tls(let requireALPN, _) = config.security, session == nil, phase != .closed else {
            return
        }
        guard negotiated == Self.applicationProtocol || !requireALPN && negotiated == nil else {
            let what = negotiated.map { "\"\($0)\"" } ?? "nothing"
            fail(
                "TLS: the peer agreed to \(what) as protocol, not to \"\(Self.applicationProtocol)\" (ALPN): it does not "
                    + "speak HTTP/2, or has not been told to"
            )
            return
        }
        ends.certificate = try? context.channel.pipeline.syncOperations.nioSSL_peerCertificate()
        start(context)
    }

    private func start(_ context: ChannelHandlerContext) {
        do {
            session = try HTTP2Session(connection: self, config: config)
            // It may have been asked for before there was a session to do it with.
            startDraining()
            flush()
        } catch {
            fail("\(error)")
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let session, phase != .lingering, phase != .closed else { return }
        let buffer = unwrapInboundIn(data)
        if turn.begin() {
            scheduler.hold()
            if watchdog.read(now: .now()) {
                scheduleCheck()
            }
            guard turn.hasRead || isHTTP2(buffer) else { return }
            turn.hasRead = true
        }
        do {
            try buffer.withUnsafeReadableBytes { bytes in
                for _ in 0..<self.guards.unknownFrames.count(in: bytes) {
                    frameBegan(.control)
                }
                try session.receive(bytes)
            }
        } catch {
            fail("\(error)")
        }
    }

    /// Looks at the first bytes of the peer; gives the connection up if they are of another protocol.
    private func isHTTP2(_ first: ByteBuffer) -> Bool {
        guard let other = first.withUnsafeReadableBytes({ ForeignProtocol(firstBytes: $0) }) else { return true }
        fail(other.reason(isServer: isServer))
        return false
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if notices.takeSettings() { applySettings() }
        if let reason = notices.takeGoAway() { peerIsGoingAway(reason) }
        if turn.end() {
            delegate?.connectionReadComplete(self)
            scheduler.run(for: self)
        }
        context.fireChannelReadComplete()
    }

    private func applySettings() {
        if let session, !isServer {
            allowedStreams.store(session.peerMaxConcurrentStreams, ordering: .relaxed)
        }
        guard case .starting = phase else { return }
        phase = .open
        watchdog.becameReady(now: .now())
        scheduleCheck()
        delegate?.connectionReady(self)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            watchdog.writingContinued()
            if !isFlushing {
                scheduler.run(for: self)
            }
        }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(tlsReason(error, context) ?? ConnectionError.reason(error))
        // It may have been given up before, and forgotten.
        context.close(promise: nil)
    }

    private func tlsReason(_ error: any Error, _ context: ChannelHandlerContext) -> String? {
        guard case .tls(_, let expectation) = config.security else { return nil }
        let failure = TLSFailure(
            expectation: expectation,
            isServer: isServer,
            address: context.channel.remoteAddress?.ipAddress ?? ends.remote,
            certificate: try? context.channel.pipeline.syncOperations.nioSSL_peerCertificate(),
            now: time(nil)
        )
        return failure.reason(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        closed()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        closed()
    }

    private func closed() {
        guard phase != .closed else { return }
        let wasSilent = phase == .starting && !turn.hasRead && !isServer && !config.isSecure
        phase = .closed
        stopTakingCalls()
        let hint = wasSilent ? " before it said anything; does it expect TLS?" : ""
        ending.note("the peer closed the connection\(hint)")
        let reason = ending.reason ?? ""
        drain?.cancel()
        drain = nil
        watchdogTimer?.task.cancel()
        watchdogTimer = nil
        session = nil
        context = nil
        failStreams()
        delegate?.connection(self, closed: reason)
        delegate = nil
        // Nothing else ends the turn that `channelRead` began.
        if turn.end() { scheduler.run() }
    }

    /// Fails all streams that there are.
    func failStreams() {
        for stream in streams.removeAll() {
            close(stream, failure(of: stream), isFailure: true)
        }
    }

    func failure(of stream: HTTP2Stream) -> StreamFailure {
        let reason = ending.reason ?? "the connection is closing"
        return ending.failure ?? (stream.wasSent ? .connectionLost(reason) : .notProcessed(reason))
    }

    /// Gives the connection up because of an error on this side.
    func fail(_ reason: String) {
        ending.note(reason)
        giveUp()
    }

    /// Closes at once, as far as calls and the delegate can tell: over TLS the channel waits for the peer's goodbye.
    func giveUp() {
        context?.close(promise: nil)
        closed()
    }

    /// Ends a stream on this side, with `failure` for tasks that still read or write.
    func close(_ stream: HTTP2Stream, _ failure: StreamFailure, isFailure: Bool) {
        guard !stream.isClosed else { return }
        stream.close(failure, isFailure: isFailure)
        if !isServer {
            madeStreams.subtract(1, ordering: .relaxed)
        }
    }

    // MARK: - Draining

    func drainNow() {
        guard phase != .closed, !isDrainRequested else { return }
        isDrainRequested = true
        watchdog.isBeingDrained()
        startDraining()
    }

    private func startDraining() {
        guard isDrainRequested, isServer, let session else { return }
        drain = ServerDrain(session: session, loop: loop) { self.scheduler.run(for: self) }
    }
}
