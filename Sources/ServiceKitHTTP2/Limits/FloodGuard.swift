import NIOCore

/// The useless work that a peer has caused.
///
/// Two token buckets: frames that carry nothing, and streams that were reset. Each fills up at a rate, and by one for
/// each frame, or call, of use: a peer that works may be nervous about it. Use it on the event loop.
struct FloodGuard {
    private var controlFrames: TokenBucket
    private var resets: TokenBucket

    init(limits: TransportLimits, now: NIODeadline) {
        controlFrames = TokenBucket(perSecond: limits.maxControlFramesPerSecond, now: now)
        resets = TokenBucket(perSecond: limits.maxResetsPerSecond, now: now)
    }

    mutating func usefulFrame() {
        controlFrames.add()
    }

    mutating func completedCall() {
        resets.add()
    }

    /// Returns whether the frame was one too many.
    mutating func controlFrame(now: NIODeadline) -> Bool {
        !controlFrames.take(now: now)
    }

    /// Returns whether the reset was one too many.
    mutating func reset(now: NIODeadline) -> Bool {
        !resets.take(now: now)
    }
}

/// A bucket that holds as many tokens as come in ten seconds.
struct TokenBucket {
    private let perSecond: Int
    private let capacity: Int
    private var tokens: Int
    private var filledAt: NIODeadline

    private static let seconds = 10
    /// No peer sends more, and times and tokens can be multiplied without overflow.
    private static let maxPerSecond = 100_000_000
    private static let second = 1_000_000_000

    init(perSecond: Int, now: NIODeadline) {
        self.perSecond = min(max(1, perSecond), Self.maxPerSecond)
        capacity = self.perSecond * Self.seconds
        tokens = capacity
        filledAt = now
    }

    mutating func add() {
        if tokens < capacity {
            tokens += 1
        }
    }

    /// Returns `false` if there is none.
    mutating func take(now: NIODeadline) -> Bool {
        if tokens == 0 {
            fill(now: now)
        }
        guard tokens > 0 else { return false }
        tokens -= 1
        return true
    }

    private mutating func fill(now: NIODeadline) {
        let elapsed = min(max(0, Int((now - filledAt).nanoseconds)), Self.seconds * Self.second)
        let earned = elapsed * perSecond / Self.second
        guard earned > 0 else { return }
        tokens = earned
        // The rest of a token is kept for the next time.
        filledAt = now - .nanoseconds(Int64(elapsed - earned * Self.second / perSecond))
    }
}
