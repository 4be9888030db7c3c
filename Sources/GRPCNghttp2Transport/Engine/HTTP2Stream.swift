import NIOCore
import Synchronization

/// One HTTP/2 stream: one call.
///
/// Readers and writers use it from any thread. They leave their work in one of its two halves and mark it dirty; the
/// event loop of its connection then does the work. A stream outlives its connection's death and answers with the
/// failure from then on.
// @unchecked: what is not behind a lock or immutable is marked "event loop" below and is touched only on the event
// loop of `connection`, in `HTTP2Connection`.
final class HTTP2Stream: @unchecked Sendable {
    /// Who wants to know that the stream has failed.
    private enum FailureHandler {
        case none
        case handler(@Sendable () -> Void)
        case failed
    }

    let scheduler: LoopScheduler
    let inboundBudget: InboundBudget
    private let config: HTTP2ConnectionConfig
    /// When a request is to fail with `deadlineExceeded`, if ever.
    let deadline: NIODeadline?
    /// Whether the stream is in the connection's list of streams with work to do.
    let isDirty = Atomic<Bool>(false)

    private let inbound: Mutex<StreamInbound>
    private let outbound: Mutex<StreamOutbound>
    private let failureHandler = Mutex<FailureHandler>(.none)

    // MARK: Event loop
    /// A request that waits can be handed over to another connection.
    var connection: HTTP2Connection
    /// The number of the stream on its connection; zero until it is submitted.
    var id: Int32 = 0
    /// Whether the peer can have seen the stream.
    var wasSent = false
    /// Whether the peer has sent headers for the stream.
    var wasAnswered = false
    /// Whether the head of the request, or of the response proper, has come: what follows it are trailers.
    var hasReceivedHead = false
    /// How many bytes of messages are still to come, if the peer has told their length.
    var dataLeft: Int?
    /// Why this side refuses what the peer has sent.
    var refusal: String?
    /// Whether this side has ended the stream.
    var isLocallyClosed = false
    /// Whether the peer has ended the stream.
    var isRemotelyClosed = false
    /// Whether the stream is over, for whatever reason.
    var isClosed = false
    /// Whether the connection will call `wakeReader`.
    var isToBeWoken = false
    /// What watches over the deadline.
    private var loopDeadline: LoopDeadline?

    init(connection: HTTP2Connection, deadline: NIODeadline? = nil) {
        let limits = connection.config.limits
        self.connection = connection
        self.scheduler = connection.scheduler
        self.inboundBudget = connection.inboundBudget
        self.config = connection.config
        self.deadline = deadline
        self.inbound = Mutex(StreamInbound(limits: limits))
        self.outbound = Mutex(StreamOutbound(limits: limits))
    }

    var limits: TransportLimits { self.config.limits }

    /// The encodings that this side reads.
    var readableEncodings: MessageEncodings { self.config.acceptedEncodings }

    deinit {
        self.inboundBudget.change(-self.inbound.withLock { $0.heldBytes })
    }

    /// Changes the receiving half, and what the connection's budget knows of it.
    private func withInbound<Result>(_ body: (inout StreamInbound) -> Result) -> Result {
        let (result, change) = self.inbound.withLock { inbound in
            let before = inbound.heldBytes
            return (body(&inbound), inbound.heldBytes - before)
        }
        self.inboundBudget.change(change)
        return result
    }

    // MARK: Reading

    /// Returns the next part, or `nil` when the peer has ended the stream. For one reader at a time.
    /// - Throws: The `StreamFailure` of the stream; `CancellationError` if the task is cancelled while it waits.
    func next(isolation actor: isolated (any Actor)?) async throws -> InboundPart? {
        while true {
            let (poll, isCreditDue) = self.withInbound { ($0.poll(), $0.isCreditDue) }
            if isCreditDue {
                self.scheduler.markDirty(self)
            }
            switch poll {
            case .part(let part): return part
            case .end: return nil
            case .failed(let failure): throw failure
            case .wait: try await self.waitForInbound(isolation: actor)
            }
        }
    }

    /// Decompresses a message that came in.
    func decompress(_ bytes: [UInt8], _ encoding: MessageEncoding) throws(StreamFailure) -> [UInt8] {
        guard encoding != .identity else { throw .missingEncoding }
        do throws(StreamFailure) {
            return try Zlib.decompress(bytes, encoding, limit: self.limits.maxMessageBytes)
        } catch {
            if case .messageTooLarge = error {
                self.scheduler.loop.execute { self.connection.messageWasTooLarge() }
            }
            throw error
        }
    }

    private func waitForInbound(isolation actor: isolated (any Actor)?) async throws {
        let wakeup = await withTaskCancellationHandler {
            await withUnsafeContinuation(isolation: actor) { (continuation: WaitContinuation) in
                let (wakeup, isCreditDue) = self.inbound.withLock { ($0.suspend(continuation), $0.isCreditDue) }
                if let wakeup {
                    continuation.resume(returning: wakeup)
                }
                if isCreditDue {
                    self.scheduler.markDirty(self)
                }
            }
        } onCancel: {
            self.inbound.withLock { $0.takeWaiter() }?.resume(returning: .cancelled)
        }
        switch wakeup {
        case .ready: return
        case .cancelled: throw CancellationError()
        case .alreadyAwaited: throw StreamFailure.protocolViolation("two tasks read the same call at a time")
        }
    }

    // MARK: Writing

    /// Bytes of messages that wait to be sent.
    var bufferedBytes: Int { self.outbound.withLock { $0.bufferedBytes } }

    /// Writers that wait for room.
    var waitingWriters: Int { self.outbound.withLock { $0.waitingWriters } }

    /// Bytes received that the reader has not taken.
    var unreadBytes: Int { self.inbound.withLock { $0.unreadBytes } }

    /// Whether nothing more can be written.
    var hasWritingEnded: Bool { self.outbound.withLock { $0.hasEnded } }

    /// Whether there is nothing more to be received.
    var hasReadingEnded: Bool { self.inbound.withLock { $0.hasEnded } }

    /// Sends the first header block; with `isMessageNext` together with what is sent next, so that the event loop is not
    /// woken for each of them.
    func send(
        head: HeaderBlock,
        prefix: HeadPrefix,
        endStream: Bool = false,
        isMessageNext: Bool = false
    ) throws(StreamFailure) {
        try self.outbound.withLock { outbound throws(StreamFailure) in
            try outbound.send(head: .init(prefix: prefix, fields: head, endStream: endStream))
        }
        if !isMessageNext {
            self.scheduler.markDirty(self)
        }
    }

    /// Sends a message; suspends while more than the high-water mark waits to be sent.
    /// - Throws: The `StreamFailure` of the stream; `CancellationError` if the task is cancelled while it waits, in
    ///   which case the message is not sent.
    func send(message: OutboundMessage) async throws {
        while true {
            switch self.outbound.withLock({ $0.send(message: message) }) {
            case .accepted:
                self.scheduler.markDirty(self)
                return
            case .failed(let failure):
                throw failure
            case .full:
                try await self.waitForRoom()
            }
        }
    }

    /// Takes a message at once, whatever waits to be sent. It is for the caller to bound what it hands over, by
    /// `waitUntilWritable`.
    func enqueue(message: OutboundMessage) {
        self.outbound.withLock { $0.enqueue(message: message) }
        self.scheduler.markDirty(self)
    }

    /// Returns when less than the high-water mark waits to be sent, or nothing can be sent any more.
    /// - Throws: `CancellationError` if the task is cancelled while it waits.
    func waitUntilWritable() async throws {
        try await self.waitForRoom()
    }

    private func waitForRoom() async throws {
        let id = self.outbound.withLock { $0.nextWaiter() }
        let wakeup = await withTaskCancellationHandler {
            await withUnsafeContinuation { (continuation: WaitContinuation) in
                if let wakeup = self.outbound.withLock({ $0.suspend(continuation, id: id) }) {
                    continuation.resume(returning: wakeup)
                }
            }
        } onCancel: {
            self.outbound.withLock { $0.takeWaiter(id: id) }?.resume(returning: .cancelled)
        }
        if case .cancelled = wakeup {
            throw CancellationError()
        }
    }

    /// Ends this side of the stream, with trailers if there are any to send.
    func send(end: StreamOutbound.End) throws(StreamFailure) {
        let writers = try self.outbound.withLock { outbound throws(StreamFailure) in
            try outbound.send(end: end)
            return outbound.takeReadyWaiters()
        }
        for writer in writers {
            writer.resume(returning: .ready)
        }
        self.scheduler.markDirty(self)
    }

    // MARK: Failing

    /// Calls `handler` once when the stream fails; at once if it has.
    func onFailure(_ handler: @escaping @Sendable () -> Void) {
        let hasFailed = self.failureHandler.withLock { state in
            if case .failed = state { return true }
            state = .handler(handler)
            return false
        }
        if hasFailed {
            handler()
        }
    }

    /// Gives the stream up: readers and writers get `failure`, what was not read or sent is dropped, and the peer, if
    /// the stream is still open, gets a reset with `code`.
    func reset(_ code: HTTP2ErrorCode, failure: StreamFailure) {
        if self.fail(failure, reset: code, discardingUnread: true) {
            self.scheduler.markDirty(self)
        }
    }

    /// Fails the reader and the writers of messages, but leaves the stream open for its trailers.
    func interrupt(_ failure: StreamFailure) {
        let reader = self.withInbound { inbound in
            inbound.fail(failure, discardingUnread: true)
            return inbound.takeReadyWaiter()
        }
        reader?.resume(returning: .ready)
        let writers = self.outbound.withLock { outbound in
            outbound.interrupt(failure)
            return outbound.takeReadyWaiters()
        }
        for writer in writers {
            writer.resume(returning: .ready)
        }
    }

    @discardableResult
    private func fail(_ failure: StreamFailure, reset code: HTTP2ErrorCode?, discardingUnread: Bool) -> Bool {
        let (wasOpen, writers) = self.outbound.withLock { outbound in
            (outbound.fail(failure, reset: code), outbound.takeReadyWaiters())
        }
        for writer in writers {
            writer.resume(returning: .ready)
        }
        let reader = self.withInbound { inbound in
            inbound.fail(failure, discardingUnread: discardingUnread)
            return inbound.takeReadyWaiter()
        }
        reader?.resume(returning: .ready)
        if wasOpen {
            self.callFailureHandler()
        }
        return wasOpen
    }

    private func callFailureHandler() {
        let state = self.failureHandler.withLock { state in
            defer { state = .failed }
            return state
        }
        if case .handler(let handler) = state {
            handler()
        }
    }

    // MARK: What the event loop does

    /// Has something done at a deadline, in place of what was to be done at another, unless the stream is over by then.
    func setDeadline(_ time: NIODeadline, _ action: @escaping () -> Void) {
        self.clearDeadline()
        guard !self.isClosed else { return }
        let deadline = LoopDeadline(time, action)
        self.loopDeadline = deadline
        self.scheduler.add(deadline)
    }

    private func clearDeadline() {
        guard let deadline = self.loopDeadline else { return }
        self.loopDeadline = nil
        self.scheduler.remove(deadline)
    }

    /// Takes a received header block.
    func receive(headers: HeaderBlock, endStream: Bool) {
        self.inbound.withLock { $0.receive(headers: headers, endStream: endStream) }
    }

    /// Takes the payload of a DATA frame. Returns the bytes to give back to the peer, whether they made no sense, and
    /// whether that is as a message began that is larger than may come in.
    func receive(data: UnsafeRawBufferPointer) -> (credit: Int, isBroken: Bool, isMessageTooLarge: Bool) {
        self.withInbound { inbound in
            let hadEnded = inbound.hasEnded
            inbound.receive(data: data)
            let isBroken = !hadEnded && inbound.hasEnded
            return (inbound.takeCredit(), isBroken, isBroken && inbound.isMessageTooLarge)
        }
    }

    /// The peer has ended the stream.
    func receiveEnd() {
        self.isRemotelyClosed = true
        self.inbound.withLock { $0.finish() }
    }

    /// Resumes the reader if there is something for it.
    func wakeReader() {
        self.inbound.withLock { $0.takeReadyWaiter() }?.resume(returning: .ready)
    }

    /// Takes the bytes to give back to the peer.
    func takeCredit() -> Int {
        self.inbound.withLock { $0.takeCredit() }
    }

    func takeHead() -> StreamOutbound.Head? {
        self.outbound.withLock { $0.takeHead() }
    }

    func takeReset() -> HTTP2ErrorCode? {
        self.outbound.withLock { $0.takeReset() }
    }

    /// Moves bytes to be sent into `buffer`; see `StreamOutbound.read`.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> (count: Int, end: StreamOutbound.End?) {
        let (result, writers) = self.outbound.withLock { outbound in
            (outbound.read(into: buffer), outbound.takeReadyWaiters())
        }
        for writer in writers {
            writer.resume(returning: .ready)
        }
        return result
    }

    /// The stream is over, with `failure` for whoever still reads or writes; whoever asked to be told of a failure is
    /// told if `isFailure` says so.
    func close(_ failure: StreamFailure, isFailure: Bool) {
        self.isClosed = true
        self.clearDeadline()
        if !isFailure {
            self.failureHandler.withLock { $0 = .none }
        }
        self.fail(failure, reset: nil, discardingUnread: false)
    }
}
