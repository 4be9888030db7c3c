/// What a stream hands to its reader.
enum InboundPart: Sendable {
    /// A header block, with whether it ends the stream. Only clients see these: a server learns the request's header
    /// block when the stream opens.
    case headers(HeaderBlock, endStream: Bool)
    /// A whole message, as it came in.
    case message([UInt8], isCompressed: Bool)
}

/// Why a task that waited for a stream goes on.
enum Wakeup: Sendable {
    /// There is something to do.
    case ready
    /// The task was cancelled.
    case cancelled
    /// Another task waits already where only one may.
    case alreadyAwaited
}

/// A task that waits for a stream. An unsafe continuation saves an allocation for each wait; where one is stored, it is
/// said why it is resumed exactly once.
typealias WaitContinuation = UnsafeContinuation<Wakeup, Never>

/// The receiving half of a stream: parts put in by the event loop, taken out by one reader.
///
/// A value to be kept under a lock; continuations come out of it to be resumed outside of the lock.
struct StreamInbound: ~Copyable, Sendable {
    enum Poll {
        case part(InboundPart)
        case end
        case failed(StreamFailure)
        case wait
    }

    private enum End {
        case finished
        case failed(StreamFailure)
    }

    private var parts = SmallQueue<InboundPart>()
    private var deframer: MessageDeframer
    private var end: End?
    private var window: ReceiveWindow
    // Resumed exactly once: it is stored in one place (`suspend`, which finds none there), and the only way out of that
    // place (`takeWaiter`) empties it.
    private var waiter: WaitContinuation?

    init(limits: TransportLimits) {
        self.deframer = MessageDeframer(maxMessageBytes: limits.maxMessageBytes)
        self.window = ReceiveWindow(size: limits.streamWindowBytes)
    }

    /// Whether the reader would not have to wait.
    var hasSomethingToRead: Bool { !self.parts.isEmpty || self.end != nil }

    /// Bytes received that the reader has not taken.
    var unreadBytes: Int { self.window.received - self.window.taken }

    /// Bytes received that still take memory, and what their messages take beside.
    private(set) var heldBytes = 0

    /// Whether nothing more will be put in.
    var hasEnded: Bool { self.end != nil }

    // MARK: The event loop's side

    mutating func receive(headers: HeaderBlock, endStream: Bool) {
        guard self.end == nil else { return }
        if endStream, self.deframer.isInsideMessage {
            // Whatever the status says, the response is not whole.
            self.end = .failed(.truncatedMessage)
            return
        }
        self.parts.append(.headers(headers, endStream: endStream))
    }

    /// Takes the payload of a DATA frame.
    mutating func receive(data: UnsafeRawBufferPointer) {
        guard self.end == nil else { return }
        self.window.received += data.count
        self.heldBytes += data.count
        var rest = data
        do throws(StreamFailure) {
            while let message = try self.deframer.next(from: &rest) {
                self.parts.append(.message(message.bytes, isCompressed: message.isCompressed))
                self.heldBytes += TransportLimits.messageOverhead
            }
        } catch {
            self.end = .failed(error)
        }
    }

    /// Whether the last bytes made a message larger than may come in.
    var isMessageTooLarge: Bool {
        if case .failed(.messageTooLarge) = self.end { true } else { false }
    }

    /// The peer has ended the stream.
    mutating func finish() {
        guard self.end == nil else { return }
        self.end = self.deframer.isInsideMessage ? .failed(.truncatedMessage) : .finished
    }

    /// Ends the stream for the reader, unless it has ended already; with `discardingUnread` in any case, and the reader
    /// learns of it before what it has not read yet.
    mutating func fail(_ failure: StreamFailure, discardingUnread: Bool) {
        if discardingUnread {
            self.parts.removeAll()
            self.deframer.removeAll()
            self.heldBytes = 0
        } else if self.end != nil {
            return
        }
        self.end = .failed(failure)
    }

    /// Returns the reader if it waits and has something to do now.
    mutating func takeReadyWaiter() -> WaitContinuation? {
        guard self.hasSomethingToRead else { return nil }
        return self.takeWaiter()
    }

    /// The bytes to give back to the peer, which count as given back from now on.
    mutating func takeCredit() -> Int {
        self.window.takeCredit(isReaderWaiting: self.isReaderStuck, hasEnded: self.end != nil)
    }

    /// Whether a reader waits for more than there is. One that is about to be resumed does not.
    private var isReaderStuck: Bool { self.waiter != nil && self.parts.isEmpty }

    /// Whether there is enough to give back to the peer to be worth a visit to the event loop.
    var isCreditDue: Bool {
        self.window.isCreditDue(isReaderWaiting: self.isReaderStuck, hasEnded: self.end != nil)
    }

    // MARK: The reader's side

    mutating func poll() -> Poll {
        if let part = self.parts.popFirst() {
            if case .message(let message, _) = part {
                let bytes = MessageDeframer.prefixBytes + message.count
                self.window.taken += bytes
                self.heldBytes -= bytes + TransportLimits.messageOverhead
            }
            return .part(part)
        }
        switch self.end {
        case .none: return .wait
        case .finished: return .end
        case .failed(let failure): return .failed(failure)
        }
    }

    /// Stores the reader until there is something for it. Returns why not, if it need not or must not wait; the caller
    /// then resumes it.
    mutating func suspend(_ continuation: WaitContinuation) -> Wakeup? {
        guard self.waiter == nil else { return .alreadyAwaited }
        guard !self.hasSomethingToRead else { return .ready }
        // Under the lock: a task cancelled before is seen here; one cancelled later finds the continuation in place.
        guard !Task.isCancelled else { return .cancelled }
        self.waiter = continuation
        return nil
    }

    /// Takes the waiting reader out, whether or not there is something for it.
    mutating func takeWaiter() -> WaitContinuation? {
        defer { self.waiter = nil }
        return self.waiter
    }
}

/// How much of what a peer sent on a stream has been given back to it as flow-control window.
///
/// Bytes are given back when the reader has taken the message they belong to. A message larger than the window would
/// never get complete that way, so the bytes of an incomplete message are given back too while the reader waits for it.
struct ReceiveWindow: Sendable {
    /// Bytes received since the stream opened.
    var received = 0
    /// Bytes of the messages that the reader has taken.
    var taken = 0
    /// Bytes given back.
    private var credited = 0
    private let size: Int

    /// nghttp2 announces window only from half of it on, so up to a quarter may be held back here without the peer
    /// ever being stuck; it saves a visit to the event loop for each message read.
    private static let fractionWorthCrediting = 4

    init(size: Int) {
        self.size = size
    }

    private func due(isReaderWaiting: Bool) -> Int {
        max(0, (isReaderWaiting ? self.received : self.taken) - self.credited)
    }

    func isCreditDue(isReaderWaiting: Bool, hasEnded: Bool) -> Bool {
        !hasEnded && self.due(isReaderWaiting: isReaderWaiting) * Self.fractionWorthCrediting >= self.size
    }

    mutating func takeCredit(isReaderWaiting: Bool, hasEnded: Bool) -> Int {
        guard self.isCreditDue(isReaderWaiting: isReaderWaiting, hasEnded: hasEnded) else { return 0 }
        let due = self.due(isReaderWaiting: isReaderWaiting)
        self.credited += due
        return due
    }
}
