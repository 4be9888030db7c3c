package import NIOCore
package import NIOSSL
import Synchronization

/// One request of HTTP/1.1 and its response, on the same two halves as a stream of HTTP/2.
// @unchecked: the properties under "Event loop" are touched by the event loop of `connection` alone.
package final class HTTP1Exchange: LoopDeadline, HTTPExchange, ResponseBodySource, @unchecked Sendable {
    private enum ListenerState {
        case none
        case listening(any HTTP2StreamListener)
        case over
    }

    package let id: Int32
    package let offeredUpgrade: String?
    private let connection: HTTP1Connection
    private let inbound: Mutex<StreamInbound>
    private let outbound: Mutex<StreamOutbound>
    private let listener = Mutex<ListenerState>(.none)

    // MARK: - Event loop

    /// Whether the whole request has come.
    private(set) var hasReceivedEnd = false
    /// The protocol that the connection changes to with a response 101.
    private(set) var upgrade: HTTP1Upgrade?
    /// Whether the whole response was written.
    var hasSentEnd = false
    /// Whether the response was written, or the connection is gone.
    private var isOver = false

    /// - Parameters:
    ///   - id: The number of the request on its connection.
    ///   - offeredUpgrade: The protocol that the client offers to change to, in lower case.
    init(id: Int32, connection: HTTP1Connection, offeredUpgrade: String? = nil) {
        self.id = id
        self.connection = connection
        self.offeredUpgrade = offeredUpgrade
        let limits = connection.config.limits
        inbound = Mutex(StreamInbound(limits: limits))
        outbound = Mutex(StreamOutbound(limits: limits))
        super.init()
    }

    package var remotePeer: String { connection.remotePeer }
    package var localPeer: String { connection.localPeer }
    package var peerCertificate: NIOSSLCertificate? { connection.peerCertificate }
    package var version: String { "1.1" }
    package var maxHeaderListBytes: Int { connection.config.limits.maxHeaderListBytes }

    package func cancelTask() { connection.tasks.cancel(id) }

    package func returned(_ request: any RequestTask) { connection.tasks.returned(id) }

    package func accept(_ upgrade: HTTP1Upgrade) { self.upgrade = upgrade }

    // MARK: - Reading

    package func poll() -> InboundPoll {
        let limit = connection.config.limits.streamWindowBytes / 2
        let (poll, isReadingDue) = inbound.withLock { inbound in
            let poll = inbound.poll()
            return (poll, inbound.takeResumption(below: limit) || inbound.isCreditDue)
        }
        if isReadingDue { onLoop { $0.connection.bodyWasRead(of: $0) } }
        return poll
    }

    package func waitUntilReadable() async throws {
        let wakeup = await withTaskCancellationHandler {
            await withUnsafeContinuation { (continuation: WaitContinuation) in
                let (wakeup, isCreditDue) = inbound.withLock { ($0.suspend(continuation), $0.isCreditDue) }
                wakeup.map { continuation.resume(returning: $0) }
                if isCreditDue { onLoop { $0.connection.bodyWasRead(of: $0) } }
            }
        } onCancel: {
            inbound.withLock { $0.takeWaiter() }?.resume(returning: .cancelled)
        }
        switch wakeup {
        case .ready: return
        case .cancelled: throw CancellationError()
        case .alreadyAwaited: throw StreamFailure.protocolViolation("two tasks read the same request at a time")
        }
    }

    // MARK: - Writing

    package func send(head: HeaderBlock, isEnd: Bool, isBodyNext: Bool) throws(StreamFailure) {
        guard head.listSize <= maxHeaderListBytes else {
            throw .outboundHeadersTooLarge(bytes: head.listSize, limit: maxHeaderListBytes)
        }
        try outbound.withLock { outbound throws(StreamFailure) in
            try outbound.send(head: .init(prefix: .none, fields: head, endStream: isEnd))
        }
        if !isBodyNext { flush() }
    }

    package var isWritable: Bool { outbound.withLock { $0.isReady } }

    package func waitUntilWritable() async throws {
        let id = outbound.withLock { $0.nextWaiter() }
        let wakeup = await withTaskCancellationHandler {
            await withUnsafeContinuation { (continuation: WaitContinuation) in
                outbound.withLock { $0.suspend(continuation, id: id) }.map { continuation.resume(returning: $0) }
            }
        } onCancel: {
            outbound.withLock { $0.takeWaiter(id: id) }?.resume(returning: .cancelled)
        }
        if case .cancelled = wakeup { throw CancellationError() }
    }

    package func trySend(body: [UInt8]) throws(StreamFailure) -> Bool {
        switch outbound.withLock({ $0.send(BodyPiece(bytes: body)) }) {
        case .accepted:
            flush()
            return true
        case .failed(let failure): throw failure
        case .full: return false
        }
    }

    package func send(lastBody: [UInt8]) {
        outbound.withLock { $0.enqueue(BodyPiece(bytes: lastBody)) }
    }

    package func send(end: StreamEnd) throws(StreamFailure) {
        let writers = try outbound.withLock { outbound throws(StreamFailure) in
            try outbound.send(end: end)
            return outbound.takeReadyWaiters()
        }
        for writer in writers { writer.resume(returning: .ready) }
        flush()
    }

    private func flush() {
        onLoop { $0.connection.flush($0) }
    }

    // MARK: - Failing

    package func setListener(_ listener: any HTTP2StreamListener) {
        let isOver = self.listener.withLock { state in
            if case .over = state { return true }
            state = .listening(listener)
            return false
        }
        if isOver { listener.streamFailed() }
    }

    package func setDeadline(_ time: NIODeadline) {
        let loop = connection.loop
        if loop.inEventLoop {
            replaceDeadline(time)
        } else {
            loop.execute { self.replaceDeadline(time) }
        }
    }

    package func interrupt(_ failure: StreamFailure) {
        let reader = inbound.withLock { inbound in
            inbound.fail(failure, discardingUnread: true)
            return inbound.takeReadyWaiter()
        }
        reader?.resume(returning: .ready)
        let writers = outbound.withLock { outbound in
            outbound.interrupt(failure)
            return outbound.takeReadyWaiters()
        }
        for writer in writers { writer.resume(returning: .ready) }
    }

    package func reset() {
        onLoop { $0.connection.close("a response ended in the middle") }
    }

    private func onLoop(_ body: @escaping @Sendable (HTTP1Exchange) -> Void) {
        let loop = connection.loop
        if loop.inEventLoop {
            body(self)
        } else {
            loop.execute { body(self) }
        }
    }

    // MARK: - On the event loop

    private func replaceDeadline(_ time: NIODeadline) {
        let deadlines = connection.scheduler.deadlines
        deadlines.remove(self)
        guard !isOver else { return }
        self.time = time
        deadlines.add(self)
    }

    override func deadlineCame() {
        if case .listening(let listener) = listener.withLock(\.self) { listener.deadlineCame() }
    }

    /// Bytes that have come and were not read.
    var unreadBytes: Int { inbound.withLock { $0.unreadBytes } }

    func receive(_ bytes: ByteBuffer) {
        let reader = inbound.withLock { inbound in
            bytes.withUnsafeReadableBytes { inbound.receive(data: $0) }
            return inbound.takeReadyWaiter()
        }
        reader?.resume(returning: .ready)
    }

    /// Takes a piece that is complete.
    ///
    /// - Returns: Whether so much is unread that the connection is to stop reading.
    func receive(_ piece: BodyPiece) -> Bool {
        let limit = connection.config.limits.streamWindowBytes
        let (reader, isFull) = inbound.withLock { inbound in
            inbound.receive(piece)
            return (inbound.takeReadyWaiter(), inbound.pause(above: limit))
        }
        reader?.resume(returning: .ready)
        return isFull
    }

    /// The whole request has come. Behind one that offers to change the protocol comes the other protocol.
    func receiveEnd() {
        hasReceivedEnd = true
        guard upgrade == nil else { return }
        let reader = inbound.withLock { inbound in
            inbound.finish()
            return inbound.takeReadyWaiter()
        }
        reader?.resume(returning: .ready)
    }

    /// Takes what was read off the window.
    func takeCredit() {
        _ = inbound.withLock { $0.takeCredit() }
    }

    func takeHead() -> HeaderBlock? {
        outbound.withLock { $0.takeHead() }?.fields
    }

    /// The length of the body that was not read, if all of it is there; `hasEnded` also tells of an end with trailers.
    var rest: (bytes: Int?, hasEnded: Bool) {
        outbound.withLock { ($0.hasEnded && !$0.hasTrailers ? $0.bufferedBytes : nil, $0.hasEnded) }
    }

    var availableBytes: Int { outbound.withLock { $0.bufferedBytes } }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> (count: Int, end: StreamEnd?) {
        let (result, writers) = outbound.withLock { ($0.read(into: buffer), $0.takeReadyWaiters()) }
        for writer in writers { writer.resume(returning: .ready) }
        return result
    }

    /// The next piece of the body, as a whole, or the end behind the last one.
    func takePiece() -> (piece: BodyPiece?, end: StreamEnd?) {
        let (result, writers) = outbound.withLock { ($0.takePiece(), $0.takeReadyWaiters()) }
        for writer in writers { writer.resume(returning: .ready) }
        return result
    }

    private func finish() {
        isOver = true
        connection.scheduler.deadlines.remove(self)
    }

    /// The response was written, to its end.
    func ended() {
        hasSentEnd = true
        finish()
        listener.withLock { $0 = .over }
    }

    /// The connection is gone.
    func fail(_ failure: StreamFailure) {
        finish()
        let (wasOpen, writers) = outbound.withLock { outbound in
            (outbound.fail(failure, reset: nil), outbound.takeReadyWaiters())
        }
        for writer in writers { writer.resume(returning: .ready) }
        let reader = inbound.withLock { inbound in
            inbound.fail(failure, discardingUnread: false)
            return inbound.takeReadyWaiter()
        }
        reader?.resume(returning: .ready)
        guard wasOpen, !hasSentEnd else { return }
        var last = ListenerState.over
        listener.withLock { swap(&$0, &last) }
        if case .listening(let listener) = last { listener.streamFailed() }
    }
}
