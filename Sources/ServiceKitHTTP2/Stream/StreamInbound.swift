/// A part of a stream, as its reader gets it.
package enum InboundPart: Sendable {
    /// A header block, with whether it ends the stream. Only clients see these: a server learns the request's header
    /// block when the stream opens.
    case headers(HeaderBlock, endStream: Bool)
    /// A piece of the body.
    case body(BodyPiece)
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

/// The find of a reader.
package enum InboundPoll: Sendable {
    case part(InboundPart)
    /// The peer has ended the stream.
    case end
    case failed(StreamFailure)
    /// Nothing is there yet.
    case wait
}

/// The receiving half of a stream: parts put in by the event loop, taken out by one reader.
///
/// A value to be kept under a lock; continuations come out of it to be resumed outside of the lock.
///
/// | end | event | end | effect |
/// |---|---|---|---|
/// | none | header block, DATA | none | parts join the queue |
/// | none | the decoder fails | failed | the reader gets the parts before it, then the failure |
/// | none | the peer's end between pieces | finished | the reader gets the rest of the parts, then `nil` |
/// | none | the peer's end inside a piece | failed | `truncatedBody` |
/// | none | `fail` | failed | the reader gets the rest of the parts, then the failure |
/// | any | `fail`, discarding | failed | the parts are dropped; the reader gets the failure next |
/// | finished, failed | anything else | the same | is ignored |
///
/// A reader waits only where there is neither a part nor an end.
struct StreamInbound: ~Copyable, Sendable {
    private enum End {
        case finished
        case failed(StreamFailure)
    }

    private var parts = SmallQueue<InboundPart>()
    private var decoder: any BodyDecoder
    private var end: End?
    private var window: ReceiveWindow
    // Resumed exactly once: it is stored in one place (`suspend`, which finds none there), and the only way out of that
    // place (`takeWaiter`) empties it.
    private var waiter: WaitContinuation?

    init(limits: TransportLimits, decoder: any BodyDecoder = WholeFrames()) {
        self.decoder = decoder
        window = ReceiveWindow(size: limits.streamWindowBytes)
    }

    /// Whether the reader would not have to wait.
    var hasSomethingToRead: Bool { !parts.isEmpty || end != nil }

    /// Bytes received that the reader has not taken.
    var unreadBytes: Int { window.received - window.taken }

    /// Bytes received that still take memory, and the overhead of their pieces.
    private(set) var heldBytes = 0

    /// Whether the connection reads no more until parts are taken. Only over HTTP/1.1.
    private var isPaused = false

    /// Whether nothing more will be put in.
    var hasEnded: Bool { end != nil }

    // MARK: - The event loop's side

    mutating func setDecoder(_ decoder: any BodyDecoder) {
        self.decoder = decoder
    }

    mutating func receive(headers: HeaderBlock, endStream: Bool) {
        guard end == nil else { return }
        if endStream, decoder.isInsidePiece {
            // The response is not whole, even if its trailers say so.
            end = .failed(.truncatedBody)
            return
        }
        parts.append(.headers(headers, endStream: endStream))
    }

    /// Takes the payload of a DATA frame.
    mutating func receive(data: UnsafeRawBufferPointer) {
        guard end == nil else { return }
        window.received += data.count
        heldBytes += data.count
        var rest = data
        do throws(StreamFailure) {
            while let piece = try decoder.next(from: &rest) {
                parts.append(.body(piece))
                heldBytes += BodyPiece.overhead
            }
        } catch {
            end = .failed(error)
        }
    }

    /// Takes a piece that is complete.
    mutating func receive(_ piece: BodyPiece) {
        guard end == nil else { return }
        window.received += piece.count
        heldBytes += piece.count + BodyPiece.overhead
        parts.append(.body(piece))
    }

    /// Notes that the connection reads no more, if more than so many bytes are held.
    ///
    /// - Returns: Whether it is to stop.
    mutating func pause(above bytes: Int) -> Bool {
        guard heldBytes > bytes, end == nil else { return false }
        isPaused = true
        return true
    }

    /// Whether the connection is to read again, as no more than so many bytes are held. It is told once.
    mutating func takeResumption(below bytes: Int) -> Bool {
        guard isPaused, heldBytes <= bytes else { return false }
        isPaused = false
        return true
    }

    /// The bound that the body exceeds.
    var exceeded: Limit? {
        if case .failed(.bodyTooLarge(let limit, _, _)) = end { limit } else { nil }
    }

    /// The peer has ended the stream.
    mutating func finish() {
        guard end == nil else { return }
        end = decoder.isInsidePiece ? .failed(.truncatedBody) : .finished
    }

    /// Ends the stream for the reader, unless it has ended already; with `discardingUnread` in any case, and the reader
    /// learns of it before the parts that it has not read.
    mutating func fail(_ failure: StreamFailure, discardingUnread: Bool) {
        if discardingUnread {
            parts.removeAll()
            decoder.removeAll()
            heldBytes = 0
        } else if end != nil {
            return
        }
        end = .failed(failure)
    }

    /// Returns the reader if it waits and has something to do now.
    mutating func takeReadyWaiter() -> WaitContinuation? {
        guard hasSomethingToRead else { return nil }
        return takeWaiter()
    }

    /// The bytes to give back to the peer, which count as given back from now on.
    mutating func takeCredit() -> Int {
        window.takeCredit(isReaderWaiting: isReaderStuck, hasEnded: end != nil)
    }

    /// Whether a reader waits for more than there is. A reader that is about to be resumed does not.
    private var isReaderStuck: Bool { waiter != nil && parts.isEmpty }

    /// Whether there is enough to give back to the peer to be worth a visit to the event loop.
    var isCreditDue: Bool {
        window.isCreditDue(isReaderWaiting: isReaderStuck, hasEnded: end != nil)
    }

    // MARK: - The reader's side

    mutating func poll() -> InboundPoll {
        if let part = parts.popFirst() {
            if case .body(let piece) = part {
                window.taken += piece.count
                heldBytes -= piece.count + BodyPiece.overhead
            }
            return .part(part)
        }
        switch end {
        case .none: return .wait
        case .finished: return .end
        case .failed(let failure): return .failed(failure)
        }
    }

    /// Stores the reader until there is something for it. Returns why not, if it need not or must not wait; the caller
    /// then resumes it.
    mutating func suspend(_ continuation: WaitContinuation) -> Wakeup? {
        guard waiter == nil else { return .alreadyAwaited }
        guard !hasSomethingToRead else { return .ready }
        // Under the lock: a task cancelled before is seen here; one cancelled later finds the continuation in place.
        guard !Task.isCancelled else { return .cancelled }
        waiter = continuation
        return nil
    }

    /// Takes the waiting reader out, even if there is nothing for it.
    mutating func takeWaiter() -> WaitContinuation? {
        defer { waiter = nil }
        return waiter
    }
}

/// The flow-control window of a stream that the peer has got back.
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
        max(0, (isReaderWaiting ? received : taken) - credited)
    }

    func isCreditDue(isReaderWaiting: Bool, hasEnded: Bool) -> Bool {
        !hasEnded && due(isReaderWaiting: isReaderWaiting) * Self.fractionWorthCrediting >= size
    }

    mutating func takeCredit(isReaderWaiting: Bool, hasEnded: Bool) -> Int {
        guard isCreditDue(isReaderWaiting: isReaderWaiting, hasEnded: hasEnded) else { return 0 }
        let due = self.due(isReaderWaiting: isReaderWaiting)
        credited += due
        return due
    }
}
