/// The fields around those of a stream's first header block.
package enum HeadPrefix: Sendable {
    /// The common fields of the connection. The block of a request then begins with `:path`.
    case common
    /// Nothing: the block is complete.
    case none
}

/// The end of this side of a stream.
package enum StreamEnd: Sendable {
    /// The last DATA frame ends the stream.
    case data
    /// These fields end the stream.
    case trailers(HeaderBlock)
}

/// The sending half of a stream: filled by writers, emptied by the event loop.
///
/// A value to be kept under a lock; continuations come out of it to be resumed outside of the lock.
///
/// | state | event | state | effect |
/// |---|---|---|---|
/// | open | a head | open, or ended if it ends the stream | the event loop takes the head |
/// | open | a piece, below the high-water mark | open | the piece joins the body |
/// | open | a piece, above the high-water mark | open | the writer waits |
/// | open | `interrupt` | interrupted | writers of pieces get the failure |
/// | open, interrupted | an end | ended | it leaves behind the body |
/// | open, interrupted, ended | `fail` | failed | head and body are dropped; a reset leaves if there is a code |
/// | ended | a head, a piece, an end | ended | fails as `closed` |
/// | failed | anything | failed | the writer gets the failure |
struct StreamOutbound: ~Copyable, Sendable {
    struct Head: Sendable {
        var prefix: HeadPrefix
        var fields: HeaderBlock
        /// Whether the stream ends with this block.
        var endStream: Bool
    }

    enum Admission {
        case accepted
        case full
        case failed(StreamFailure)
    }

    private struct Waiter {
        var id: UInt64
        // Resumed exactly once: it is stored in one place (`suspend`), and both ways out of that place
        // (`takeReadyWaiters`, `takeWaiter`) remove it.
        var continuation: WaitContinuation
    }

    private var head: Head?
    private var body = OutboundBody()
    private var end: StreamEnd?
    private var failure: StreamFailure?
    /// Why no more messages are taken, although the stream can still be ended.
    private var interruption: StreamFailure?
    private(set) var resetCode: HTTP2ErrorCode?
    private var waiters: [Waiter] = []
    private var lastWaiter: UInt64 = 0
    private let highWaterMark: Int

    init(limits: TransportLimits) {
        highWaterMark = max(1, limits.writeBufferBytes)
    }

    /// Bytes that wait to be sent.
    var bufferedBytes: Int { body.byteCount }

    /// Writers that wait for room.
    var waitingWriters: Int { waiters.count }

    /// Whether nothing more can be written.
    var hasEnded: Bool { end != nil || failure != nil }

    /// Whether fields end the stream.
    var hasTrailers: Bool { if case .trailers? = end { true } else { false } }

    // MARK: - The writers' side

    mutating func send(head: Head) throws(StreamFailure) {
        if let failure { throw failure }
        guard end == nil else { throw .closed }
        self.head = head
        if head.endStream {
            end = .data
        }
    }

    /// Takes a message if there is room for it. Room there is as long as the bytes that wait are below the mark, so a
    /// message of any size gets through, and one writer exceeds the mark by one message at most.
    mutating func send(_ piece: BodyPiece) -> Admission {
        if let failure = self.failure ?? interruption { return .failed(failure) }
        guard end == nil else { return .failed(.closed) }
        guard body.heldBytes < highWaterMark else { return .full }
        body.append(piece)
        return .accepted
    }

    /// Takes a piece even above the high-water mark.
    mutating func sendLast(_ piece: BodyPiece) throws(StreamFailure) {
        if let failure = self.failure ?? interruption { throw failure }
        guard end == nil else { throw .closed }
        body.append(piece)
    }

    /// Takes a piece even above the high-water mark; drops it when nothing more can be written.
    mutating func enqueue(_ piece: BodyPiece) {
        guard !hasEnded else { return }
        body.append(piece)
    }

    mutating func send(end: StreamEnd) throws(StreamFailure) {
        if let failure { throw failure }
        guard self.end == nil else { throw .closed }
        self.end = end
    }

    /// Stops all writing. The peer gets a reset with `code`, if there is one.
    /// - Returns: Whether the stream had been open for writing, or for being reset.
    mutating func fail(_ failure: StreamFailure, reset code: HTTP2ErrorCode?) -> Bool {
        guard self.failure == nil else { return false }
        self.failure = failure
        resetCode = code
        head = nil
        body.removeAll()
        return true
    }

    /// Stops the writing of messages; trailers can still be sent.
    mutating func interrupt(_ failure: StreamFailure) {
        interruption = failure
    }

    mutating func nextWaiter() -> UInt64 {
        lastWaiter += 1
        return lastWaiter
    }

    /// Whether a writer would not have to wait: there is room, or an error to learn of.
    var isReady: Bool {
        hasEnded || interruption != nil || body.heldBytes < highWaterMark
    }

    /// Stores a writer until there is room. Returns why not, if it need not or must not wait; the caller then resumes
    /// it.
    mutating func suspend(_ continuation: WaitContinuation, id: UInt64) -> Wakeup? {
        guard !isReady else { return .ready }
        // Under the lock: a task cancelled before is seen here; one cancelled later finds the continuation in place.
        guard !Task.isCancelled else { return .cancelled }
        waiters.append(Waiter(id: id, continuation: continuation))
        return nil
    }

    /// Takes out the writer with this number, even if there is no room.
    mutating func takeWaiter(id: UInt64) -> WaitContinuation? {
        guard let index = waiters.firstIndex(where: { $0.id == id }) else { return nil }
        return waiters.remove(at: index).continuation
    }

    // MARK: - The event loop's side

    /// Takes the first header block out, unless it was submitted already.
    mutating func takeHead() -> Head? {
        defer { head = nil }
        return head
    }

    /// Takes out the reset to send, if any.
    mutating func takeReset() -> HTTP2ErrorCode? {
        defer { resetCode = nil }
        return resetCode
    }

    /// Moves bytes of messages into `buffer`. When they were the last, the end of the stream comes with them, once.
    mutating func read(into buffer: UnsafeMutableRawBufferPointer) -> (count: Int, end: StreamEnd?) {
        let count = body.read(into: buffer)
        return (count, body.isEmpty ? self.end : nil)
    }

    /// Takes the next piece as a whole. Behind the last one comes the end of the stream, if it is there.
    mutating func takePiece() -> (piece: BodyPiece?, end: StreamEnd?) {
        if let piece = body.popFirst() { return (piece, nil) }
        return (nil, end)
    }

    /// Takes out the writers that have something to do now.
    mutating func takeReadyWaiters() -> [WaitContinuation] {
        guard !waiters.isEmpty, isReady else { return [] }
        defer { waiters.removeAll() }
        return waiters.map(\.continuation)
    }
}
