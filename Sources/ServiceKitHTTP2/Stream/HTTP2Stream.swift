package import NIOCore
package import NIOSSL
import Synchronization

/// One HTTP/2 stream: a request and its response.
///
/// Readers and writers use it from any thread. They leave their work in one of its two halves, `StreamInbound` and
/// `StreamOutbound`, and mark the stream dirty; the event loop of the connection then does the work. A stream outlives its
/// connection and answers with the failure from then on.
///
/// | state, on the event loop | event | state | effect |
/// |---|---|---|---|
/// | made (`id` 0) | a head is written | waiting | the request joins the connection's queue; its deadline starts |
/// | made, waiting | `reset` | closed | the peer learns nothing |
/// | waiting | the connection hands it over | waiting | `connection` is another one |
/// | waiting | the server takes one more stream | open | the stream has its `id` |
/// | (server) | the peer's head arrives | open | the delegate gets the stream |
/// | open | this side's end was sent | `isLocallyClosed` | a server resets the stream if the peer has not ended it |
/// | open | the peer's end arrived | `isRemotelyClosed` | the reader gets the end |
/// | open | HTTP/2 forbids what the peer sent | `refusal` is set | the stream is reset; a server answers first if it can |
/// | open | `respondEarly` | open | the response is submitted; the body that still comes is dropped |
/// | any but closed | nghttp2 closes the stream; the connection closes | closed | both halves end, with a failure unless all was sent and received |
// @unchecked: the properties that are neither immutable nor behind a lock stand under "Event loop" below. Only the event
// loop of `connection` touches them.
package final class HTTP2Stream: LoopDeadline, @unchecked Sendable {
    private enum ListenerState {
        case none
        case listening(any HTTP2StreamListener)
        case failed
    }

    private let commons: HTTP2Connection.Commons
    /// When a request is to fail with `deadlineExceeded`, if ever.
    let deadline: NIODeadline?
    /// Whether the stream is in the connection's list of streams with work to do.
    let isDirty = Atomic<Bool>(false)

    private let inbound: Mutex<StreamInbound>
    private let outbound: Mutex<StreamOutbound>
    private let listener = Mutex<ListenerState>(.none)

    // MARK: - Event loop
    // The accesses of `@exclusivity(unchecked)` properties are loads and stores on one thread, so that none overlaps another.

    /// A request that waits can be handed over to another connection.
    @exclusivity(unchecked) var connection: HTTP2Connection
    /// The number of the stream on its connection; zero until it is submitted.
    @exclusivity(unchecked) package internal(set) var id: Int32 = 0
    /// Whether the peer can have seen the stream.
    @exclusivity(unchecked) var wasSent = false
    /// Whether the peer has sent headers for the stream.
    @exclusivity(unchecked) var wasAnswered = false
    /// Whether the head of the request, or of the response proper, has come: a later block holds trailers.
    @exclusivity(unchecked) var hasReceivedHead = false
    /// How many bytes of messages are still to come, if the peer has told their length.
    @exclusivity(unchecked) var dataLeft: Int?
    /// The reason for which this side refuses the head or the body of the peer; `nil` if it does not.
    package internal(set) var refusal: String?
    /// The media type of a request whose head is refused, or exceeds a bound; `nil` if it has none.
    package internal(set) var refusedType: String?
    /// Whether this side has ended the stream.
    @exclusivity(unchecked) var isLocallyClosed = false
    /// Whether the peer has ended the stream.
    @exclusivity(unchecked) var isRemotelyClosed = false
    /// Whether the stream is over, for any reason.
    @exclusivity(unchecked) var isClosed = false
    /// The whole response of a request that was answered when its head came. nghttp2 refers to its memory.
    @exclusivity(unchecked) var earlyResponse: PreparedFields?
    /// Whether the connection will call `wakeReader`.
    @exclusivity(unchecked) var isToBeWoken = false

    init(connection: HTTP2Connection, deadline: NIODeadline? = nil) {
        self.connection = connection
        commons = connection.commons
        self.deadline = deadline
        let limits = commons.config.limits
        inbound = Mutex(StreamInbound(limits: limits))
        outbound = Mutex(StreamOutbound(limits: limits))
        super.init()
    }

    var scheduler: LoopScheduler { commons.scheduler }

    var inboundBudget: InboundBudget { commons.inboundBudget }

    /// The largest header block that this side sends, in bytes as HTTP/2 counts them.
    package var maxHeaderListBytes: Int { commons.config.limits.maxHeaderListBytes }

    /// The bounds of the connection.
    package var limits: TransportLimits { commons.config.limits }

    deinit {
        inboundBudget.change(-inbound.withLock { $0.heldBytes })
    }

    /// Changes the receiving half, and the connection's budget with it.
    private func withInbound<Result>(_ body: (inout StreamInbound) -> Result) -> Result {
        let (result, change) = inbound.withLock { inbound in
            let before = inbound.heldBytes
            return (body(&inbound), inbound.heldBytes - before)
        }
        inboundBudget.change(change)
        return result
    }

    // MARK: - Reading

    /// Returns the next part, or `nil` when the peer has ended the stream. For one reader at a time.
    /// - Throws: The `StreamFailure` of the stream; `CancellationError` if the task is cancelled while it waits.
    package func next() async throws -> InboundPart? {
        while true {
            switch poll() {
            case .part(let part): return part
            case .end: return nil
            case .failed(let failure): throw failure
            case .wait: try await waitUntilReadable()
            }
        }
    }

    /// Takes the next part if there is one. For one reader at a time.
    package func poll() -> InboundPoll {
        let (poll, isCreditDue) = withInbound { ($0.poll(), $0.isCreditDue) }
        if isCreditDue {
            scheduler.markDirty(self)
        }
        return poll
    }

    /// Reports that the body exceeds a bound of the layer above.
    package func report(_ limit: Limit) {
        scheduler.loop.execute { self.connection.bodyWasTooLarge(limit) }
    }

    /// Returns when ``poll()`` has something to return.
    /// - Throws: `CancellationError` if the task is cancelled while it waits.
    package func waitUntilReadable() async throws {
        let wakeup = await withTaskCancellationHandler {
            await withUnsafeContinuation { (continuation: WaitContinuation) in
                let (wakeup, isCreditDue) = inbound.withLock { ($0.suspend(continuation), $0.isCreditDue) }
                if let wakeup {
                    continuation.resume(returning: wakeup)
                }
                if isCreditDue {
                    scheduler.markDirty(self)
                }
            }
        } onCancel: {
            inbound.withLock { $0.takeWaiter() }?.resume(returning: .cancelled)
        }
        switch wakeup {
        case .ready: return
        case .cancelled: throw CancellationError()
        case .alreadyAwaited: throw StreamFailure.protocolViolation("two tasks read the same call at a time")
        }
    }

    /// Tells the listener, on the event loop, when a deadline has come, unless the stream is over by then. The deadline
    /// replaces an earlier one.
    package func setDeadline(_ time: NIODeadline) {
        let loop = self.scheduler.loop
        if loop.inEventLoop {
            self.replaceDeadline(time)
        } else {
            loop.execute { self.replaceDeadline(time) }
        }
    }

    // MARK: - Writing

    /// Bytes of messages that wait to be sent.
    var bufferedBytes: Int { outbound.withLock { $0.bufferedBytes } }

    /// Writers that wait for room.
    var waitingWriters: Int { outbound.withLock { $0.waitingWriters } }

    /// Bytes received that the reader has not taken.
    var unreadBytes: Int { inbound.withLock { $0.unreadBytes } }

    /// Whether nothing more can be written.
    package var hasWritingEnded: Bool { outbound.withLock { $0.hasEnded } }

    /// Whether there is nothing more to be received.
    package var hasReadingEnded: Bool { inbound.withLock { $0.hasEnded } }

    /// Sends the first header block; with `isBodyNext` together with the piece that follows, so that the event loop is not
    /// woken for each of them.
    package func send(
        head: HeaderBlock,
        prefix: HeadPrefix = .none,
        endStream: Bool = false,
        isBodyNext: Bool = false
    ) throws(StreamFailure) {
        try outbound.withLock { outbound throws(StreamFailure) in
            try outbound.send(head: .init(prefix: prefix, fields: head, endStream: endStream))
        }
        if !isBodyNext {
            scheduler.markDirty(self)
        }
    }

    /// Sends a message; suspends while more than the high-water mark waits to be sent.
    /// - Throws: The `StreamFailure` of the stream; `CancellationError` if the task is cancelled while it waits, in
    ///   which case the message is not sent.
    package func send(_ piece: BodyPiece) async throws {
        while try !trySend(piece) { try await waitForRoom() }
    }

    /// Sends a message unless more than the high-water mark waits to be sent.
    /// - Returns: Whether the message is sent.
    /// - Throws: The failure of the stream.
    package func trySend(_ piece: BodyPiece) throws(StreamFailure) -> Bool {
        switch outbound.withLock({ $0.send(piece) }) {
        case .accepted:
            scheduler.markDirty(self)
            return true
        case .failed(let failure):
            throw failure
        case .full:
            return false
        }
    }

    /// Sends the last piece together with the end that follows, so that the event loop is not woken for each of them.
    /// - Throws: The failure of the stream.
    package func sendLast(_ piece: BodyPiece) throws(StreamFailure) {
        try outbound.withLock { outbound throws(StreamFailure) in try outbound.sendLast(piece) }
    }

    /// Takes the last piece at once, together with the end that follows.
    package func enqueueLast(_ piece: BodyPiece) {
        outbound.withLock { $0.enqueue(piece) }
    }

    /// Takes a piece at once, even above the high-water mark. The caller bounds the pieces that it hands over, by
    /// `waitUntilWritable`.
    package func enqueue(_ piece: BodyPiece) {
        outbound.withLock { $0.enqueue(piece) }
        scheduler.markDirty(self)
    }

    /// Returns when less than the high-water mark waits to be sent, or nothing can be sent any more.
    /// - Throws: `CancellationError` if the task is cancelled while it waits.
    package func waitUntilWritable() async throws {
        try await waitForRoom()
    }

    /// Whether less than the high-water mark waits to be sent, or nothing can be sent any more.
    package var isWritable: Bool { outbound.withLock { $0.isReady } }

    private func waitForRoom() async throws {
        let id = outbound.withLock { $0.nextWaiter() }
        let wakeup = await withTaskCancellationHandler {
            await withUnsafeContinuation { (continuation: WaitContinuation) in
                if let wakeup = outbound.withLock({ $0.suspend(continuation, id: id) }) {
                    continuation.resume(returning: wakeup)
                }
            }
        } onCancel: {
            outbound.withLock { $0.takeWaiter(id: id) }?.resume(returning: .cancelled)
        }
        if case .cancelled = wakeup {
            throw CancellationError()
        }
    }

    /// Ends this side of the stream, with trailers if there are any to send.
    package func send(end: StreamEnd) throws(StreamFailure) {
        let writers = try outbound.withLock { outbound throws(StreamFailure) in
            try outbound.send(end: end)
            return outbound.takeReadyWaiters()
        }
        for writer in writers {
            writer.resume(returning: .ready)
        }
        scheduler.markDirty(self)
    }

    // MARK: - Failing

    /// Has a listener told once when the stream fails; at once if it has.
    package func setListener(_ listener: any HTTP2StreamListener) {
        let hasFailed = self.listener.withLock { state in
            if case .failed = state { return true }
            state = .listening(listener)
            return false
        }
        if hasFailed { listener.streamFailed() }
    }

    /// Gives the stream up: readers and writers get `failure`, unread and unsent bytes are dropped, and the peer, if the
    /// stream is still open, gets a reset with `code`.
    package func reset(_ code: HTTP2ErrorCode, failure: StreamFailure) {
        if fail(failure, reset: code, discardingUnread: true) {
            scheduler.markDirty(self)
        }
    }

    /// Fails the reader and the writers of messages, but leaves the stream open for its trailers.
    package func interrupt(_ failure: StreamFailure) {
        let reader = withInbound { inbound in
            inbound.fail(failure, discardingUnread: true)
            return inbound.takeReadyWaiter()
        }
        reader?.resume(returning: .ready)
        let writers = outbound.withLock { outbound in
            outbound.interrupt(failure)
            return outbound.takeReadyWaiters()
        }
        for writer in writers {
            writer.resume(returning: .ready)
        }
    }

    @discardableResult
    private func fail(_ failure: StreamFailure, reset code: HTTP2ErrorCode?, discardingUnread: Bool) -> Bool {
        let (wasOpen, writers) = outbound.withLock { outbound in
            (outbound.fail(failure, reset: code), outbound.takeReadyWaiters())
        }
        for writer in writers {
            writer.resume(returning: .ready)
        }
        let reader = withInbound { inbound in
            inbound.fail(failure, discardingUnread: discardingUnread)
            return inbound.takeReadyWaiter()
        }
        reader?.resume(returning: .ready)
        if wasOpen {
            tellFailure()
        }
        return wasOpen
    }

    private func tellFailure() {
        var last = ListenerState.failed
        listener.withLock { swap(&$0, &last) }
        if case .listening(let listener) = last { listener.streamFailed() }
    }

    // MARK: - On the event loop

    /// Has the body that arrives cut into pieces. For when the stream opens, before any of its body has arrived.
    package func setDecoder(_ decoder: any BodyDecoder) {
        inbound.withLock { $0.setDecoder(decoder) }
    }

    /// The peer's address, in gRPC's notation.
    package var remotePeer: String { connection.ends.remote }

    /// This side's address, in gRPC's notation.
    package var localPeer: String { connection.ends.local }

    /// The peer's certificate, verified; `nil` without mutual TLS.
    package var peerCertificate: NIOSSLCertificate? { connection.ends.certificate }

    /// Answers the request with fields alone, and drops its body. For when the stream opens: nothing else uses the stream then,
    /// and the response costs neither locks nor memory.
    package func respondEarly(with fields: PreparedFields) {
        connection.respondEarly(on: self, fields)
    }

    /// Logs that the layer above refuses the request: once for each connection as a warning, then at debug level.
    package func logRefusal(_ reason: String) {
        connection.limitLog.reportRefusal(of: "request", peer: remotePeer, reason)
    }

    func replaceDeadline(_ time: NIODeadline) {
        scheduler.deadlines.remove(self)
        guard !self.isClosed else { return }
        self.time = time
        scheduler.deadlines.add(self)
    }

    override func deadlineCame() {
        if case .listening(let listener) = listener.withLock(\.self) {
            listener.deadlineCame()
        } else {
            reset(.cancel, failure: .deadlineExceeded)
        }
    }

    /// Takes a received header block.
    func receive(headers: HeaderBlock, endStream: Bool) {
        inbound.withLock { $0.receive(headers: headers, endStream: endStream) }
    }

    /// Takes the payload of a DATA frame.
    ///
    /// - Returns: The bytes to give back to the peer, whether the body is broken from now on, and the bound that it exceeds.
    func receive(data: UnsafeRawBufferPointer) -> (credit: Int, isBroken: Bool, exceeded: Limit?) {
        withInbound { inbound in
            let hadEnded = inbound.hasEnded
            inbound.receive(data: data)
            let isBroken = !hadEnded && inbound.hasEnded
            return (inbound.takeCredit(), isBroken, isBroken ? inbound.exceeded : nil)
        }
    }

    /// The peer has ended the stream.
    func receiveEnd() {
        isRemotelyClosed = true
        inbound.withLock { $0.finish() }
    }

    /// Resumes the reader if there is something for it.
    func wakeReader() {
        inbound.withLock { $0.takeReadyWaiter() }?.resume(returning: .ready)
    }

    /// Takes the bytes to give back to the peer.
    func takeCredit() -> Int {
        inbound.withLock { $0.takeCredit() }
    }

    func takeHead() -> StreamOutbound.Head? {
        outbound.withLock { $0.takeHead() }
    }

    func takeReset() -> HTTP2ErrorCode? {
        outbound.withLock { $0.takeReset() }
    }

    /// Moves bytes to send into `buffer`; see `StreamOutbound.read`.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> (count: Int, end: StreamEnd?) {
        let (result, writers) = outbound.withLock { outbound in
            (outbound.read(into: buffer), outbound.takeReadyWaiters())
        }
        for writer in writers {
            writer.resume(returning: .ready)
        }
        return result
    }

    /// The stream is over. Tasks that still read or write get `failure`; the listener is told if `isFailure` says so.
    func close(_ failure: StreamFailure, isFailure: Bool) {
        isClosed = true
        scheduler.deadlines.remove(self)
        if !isFailure {
            listener.withLock { $0 = .none }
        }
        fail(failure, reset: nil, discardingUnread: false)
    }
}

/// The layer above a stream.
package protocol HTTP2StreamListener: AnyObject, Sendable {
    /// The stream has failed. Called once, on any thread.
    func streamFailed()

    /// The deadline of ``HTTP2Stream/setDeadline(_:)`` has come. Called on the event loop.
    func deadlineCame()
}
