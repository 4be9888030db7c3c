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
    /// Nobody gets to more, and times and tokens can be multiplied.
    private static let maxPerSecond = 100_000_000
    private static let second = 1_000_000_000

    init(perSecond: Int, now: NIODeadline) {
        self.perSecond = min(max(1, perSecond), Self.maxPerSecond)
        self.capacity = self.perSecond * Self.seconds
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
        let elapsed = min(max(0, Int((now - self.filledAt).nanoseconds)), Self.seconds * Self.second)
        let earned = elapsed * self.perSecond / Self.second
        guard earned > 0 else { return }
        self.tokens = earned
        // What is left of a token is kept for the next time.
        self.filledAt = now - .nanoseconds(Int64(elapsed - earned * Self.second / self.perSecond))
    }
}
