/// What stands around the fields of a stream's first header block.
enum HeadPrefix: Sendable {
    /// What every gRPC request, or response, of the connection has. The block of a request begins with `:path`.
    case grpc
    /// Nothing: the block is complete.
    case whole
}

/// The sending half of a stream: filled by writers, emptied by the event loop.
///
/// A value to be kept under a lock; continuations come out of it to be resumed outside of the lock.
struct StreamOutbound: ~Copyable, Sendable {
    struct Head: Sendable {
        var prefix: HeadPrefix
        var fields: HeaderBlock
        /// Whether the stream ends with this block.
        var endStream: Bool
    }

    enum End: Sendable {
        /// The last DATA frame ends the stream.
        case data
        /// These fields end the stream.
        case trailers(HeaderBlock)
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
    private var messages = OutboundMessages()
    private var end: End?
    private var failure: StreamFailure?
    /// Why no more messages are taken, although the stream can still be ended.
    private var interruption: StreamFailure?
    private(set) var resetCode: HTTP2ErrorCode?
    private var waiters: [Waiter] = []
    private var lastWaiter: UInt64 = 0
    private let highWaterMark: Int

    init(limits: TransportLimits) {
        self.highWaterMark = max(1, limits.writeBufferBytes)
    }

    /// Bytes that wait to be sent.
    var bufferedBytes: Int { self.messages.byteCount }

    /// Writers that wait for room.
    var waitingWriters: Int { self.waiters.count }

    /// Whether nothing more can be written.
    var hasEnded: Bool { self.end != nil || self.failure != nil }

    // MARK: The writers' side

    mutating func send(head: Head) throws(StreamFailure) {
        if let failure = self.failure { throw failure }
        guard self.end == nil else { throw .closed }
        self.head = head
        if head.endStream {
            self.end = .data
        }
    }

    /// Takes a message if there is room for it. Room there is as long as the bytes that wait are below the mark, so a
    /// message of any size gets through, and one writer exceeds the mark by one message at most.
    mutating func send(message: OutboundMessage) -> Admission {
        if let failure = self.failure ?? self.interruption { return .failed(failure) }
        guard self.end == nil else { return .failed(.closed) }
        guard self.messages.heldBytes < self.highWaterMark else { return .full }
        self.messages.append(message)
        return .accepted
    }

    /// Takes a message whatever waits to be sent; dropped when nothing more can be written.
    mutating func enqueue(message: OutboundMessage) {
        guard !self.hasEnded else { return }
        self.messages.append(message)
    }

    mutating func send(end: End) throws(StreamFailure) {
        if let failure = self.failure { throw failure }
        guard self.end == nil else { throw .closed }
        self.end = end
    }

    /// Stops all writing; `code` is what the peer is to be told, if it is to be told anything.
    /// - Returns: Whether the stream had been open for writing, or for being reset.
    mutating func fail(_ failure: StreamFailure, reset code: HTTP2ErrorCode?) -> Bool {
        guard self.failure == nil else { return false }
        self.failure = failure
        self.resetCode = code
        self.head = nil
        self.messages.removeAll()
        return true
    }

    /// Stops the writing of messages; trailers can still be sent.
    mutating func interrupt(_ failure: StreamFailure) {
        self.interruption = failure
    }

    mutating func nextWaiter() -> UInt64 {
        self.lastWaiter += 1
        return self.lastWaiter
    }

    /// Whether a writer would not have to wait: there is room, or an error to learn of.
    private var isReady: Bool {
        self.hasEnded || self.interruption != nil || self.messages.heldBytes < self.highWaterMark
    }

    /// Stores a writer until there is room. Returns why not, if it need not or must not wait; the caller then resumes
    /// it.
    mutating func suspend(_ continuation: WaitContinuation, id: UInt64) -> Wakeup? {
        guard !self.isReady else { return .ready }
        // Under the lock: a task cancelled before is seen here; one cancelled later finds the continuation in place.
        guard !Task.isCancelled else { return .cancelled }
        self.waiters.append(Waiter(id: id, continuation: continuation))
        return nil
    }

    /// Takes out the writer with this number, whether or not there is room.
    mutating func takeWaiter(id: UInt64) -> WaitContinuation? {
        guard let index = self.waiters.firstIndex(where: { $0.id == id }) else { return nil }
        return self.waiters.remove(at: index).continuation
    }

    // MARK: The event loop's side

    /// Takes the first header block out, if there is one that was not submitted yet.
    mutating func takeHead() -> Head? {
        defer { self.head = nil }
        return self.head
    }

    /// Takes the reset out that is to be sent, if any.
    mutating func takeReset() -> HTTP2ErrorCode? {
        defer { self.resetCode = nil }
        return self.resetCode
    }

    /// Moves bytes of messages into `buffer`. When they were the last, the end of the stream comes with them, once.
    mutating func read(into buffer: UnsafeMutableRawBufferPointer) -> (count: Int, end: End?) {
        let count = self.messages.read(into: buffer)
        return (count, self.messages.isEmpty ? self.end : nil)
    }

    /// Takes out the writers that have something to do now.
    mutating func takeReadyWaiters() -> [WaitContinuation] {
        guard !self.waiters.isEmpty, self.isReady else { return [] }
        defer { self.waiters.removeAll() }
        return self.waiters.map(\.continuation)
    }
}
