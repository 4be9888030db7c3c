import NIOCore

/// How much work that brings nobody further a peer has caused.
///
/// Two token buckets: frames that carry nothing, and streams that were reset. Each fills up at a rate, and by one for
/// each frame, or call, of use: a peer that works may be nervous about it. To be used on the event loop.
struct FloodGuard {
    private var controlFrames: TokenBucket
    private var resets: TokenBucket

    init(limits: TransportLimits, now: NIODeadline) {
        self.controlFrames = TokenBucket(perSecond: limits.maxControlFramesPerSecond, now: now)
        self.resets = TokenBucket(perSecond: limits.maxResetsPerSecond, now: now)
    }

    mutating func usefulFrame() {
        self.controlFrames.add()
    }

    mutating func completedCall() {
        self.resets.add()
    }

    /// Returns whether the frame was one too many.
    mutating func controlFrame(now: NIODeadline) -> Bool {
        !self.controlFrames.take(now: now)
    }

    /// Returns whether the reset was one too many.
    mutating func reset(now: NIODeadline) -> Bool {
        !self.resets.take(now: now)
    }
}

/// A bucket that holds as many tokens as come in ten seconds.
struct TokenBucket {
    private let perSecond: Int
    private let capacity: Int
    private var tokens: Int
    private var filledAt: NIODeadline

    private static let seconds = 10

    init(perSecond: Int, now: NIODeadline) {
        self.perSecond = max(1, perSecond)
        self.capacity = self.perSecond.multipliedReportingOverflow(by: Self.seconds).overflow
            ? .max : self.perSecond * Self.seconds
        self.tokens = self.capacity
        self.filledAt = now
    }

    mutating func add() {
        if self.tokens < self.capacity {
            self.tokens += 1
        }
    }

    /// Returns `false` if there is none.
    mutating func take(now: NIODeadline) -> Bool {
        if self.tokens == 0 {
            self.fill(now: now)
        }
        guard self.tokens > 0 else { return false }
        self.tokens -= 1
        return true
    }

    private mutating func fill(now: NIODeadline) {
        // In milliseconds, as a second is too long to wait for a token; what is left of one is kept for the next time.
        let elapsed = max(0, (now - self.filledAt).nanoseconds / 1_000_000)
        let earned = min(Double(self.capacity), Double(elapsed) * Double(self.perSecond) / 1000)
        guard earned >= 1 else { return }
        self.tokens = min(self.capacity, Int(earned))
        self.filledAt = now
    }
}
