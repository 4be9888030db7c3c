import NIOCore
import ServiceKitTestSupport
import Testing

@testable import ServiceKitHTTP2

@Suite struct FloodGuardTests {
    private static func at(milliseconds: Int64) -> NIODeadline {
        .uptimeNanoseconds(1_000_000_000_000) + TimeAmount.milliseconds(milliseconds)
    }

    /// Takes the tokens of one moment, up to `atMost`.
    private static func drain(
        _ bucket: inout TokenBucket,
        at milliseconds: Int64,
        atMost: Int = 100_000,
        expecting expected: Int,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        var count = 0
        while count < atMost, bucket.take(now: self.at(milliseconds: milliseconds)) { count += 1 }
        #expect(count == expected, sourceLocation: sourceLocation)
    }

    // MARK: Bucket

    @Test(arguments: [1, 7, 200, 1000])
    func burstOfTenSecondsIsAllowed(_ perSecond: Int) {
        var bucket = TokenBucket(perSecond: perSecond, now: Self.at(milliseconds: 0))
        Self.drain(&bucket, at: 0, expecting: 10 * perSecond)
        Self.drain(&bucket, at: 1000, expecting: perSecond)
        Self.drain(&bucket, at: 4000, expecting: 3 * perSecond)
        // It yields no more than it holds.
        Self.drain(&bucket, at: 1_000_000, expecting: 10 * perSecond)
    }

    @Test func rateOf0CountsAs1() {
        for perSecond in [0, -5] {
            var bucket = TokenBucket(perSecond: perSecond, now: Self.at(milliseconds: 0))
            Self.drain(&bucket, at: 0, expecting: 10)
        }
    }

    @Test(arguments: [Int.max, Int.max / 10, Int.max / 10 + 1, Int.max / 20])
    func hugeRateDoesNotOverflow(_ perSecond: Int) {
        var bucket = TokenBucket(perSecond: perSecond, now: Self.at(milliseconds: 0))
        bucket.add()
        Self.drain(&bucket, at: 0, atMost: 1000, expecting: 1000)
    }

    @Test func clockThatGoesBackEarnsNothing() {
        var bucket = TokenBucket(perSecond: 1, now: Self.at(milliseconds: 0))
        Self.drain(&bucket, at: 0, expecting: 10)
        Self.drain(&bucket, at: -5000, expecting: 0)
        Self.drain(&bucket, at: 1000, expecting: 1)
    }

    /// A steady rate is never held up, even if each frame comes a little early or late.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func steadyRateIsAllowedForEver(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var bucket = TokenBucket(perSecond: 200, now: Self.at(milliseconds: 0))
        // Only the allowance for the unevenness is left.
        Self.drain(&bucket, at: 0, atMost: 1996, expecting: 1996)
        for round in 1..<5000 as Range<Int64> {
            let now = 5 * round + Int64.random(in: 0..<5, using: &generator)
            guard bucket.take(now: Self.at(milliseconds: now)) else {
                Issue.record("the token of round \(round) was refused")
                return
            }
        }
    }

    @Test func rateAboveTheLimitIsRefusedInTheEnd() {
        var bucket = TokenBucket(perSecond: 200, now: Self.at(milliseconds: 0))
        var refused = false
        for round in 0..<20_000 as Range<Int64> {
            refused = refused || !bucket.take(now: Self.at(milliseconds: round * 4))
        }
        #expect(refused)
    }

    @Test func earnedAllowanceCanBeTaken() {
        var bucket = TokenBucket(perSecond: 1, now: Self.at(milliseconds: 0))
        // The bucket is full.
        bucket.add()
        Self.drain(&bucket, at: 0, expecting: 10)
        for _ in 0..<5 { bucket.add() }
        Self.drain(&bucket, at: 0, expecting: 5)
    }

    // MARK: Guard

    private static func guarded(controlFrames: Int = 1, resets: Int = 1) -> FloodGuard {
        var limits = TransportLimits.defaults
        limits.maxControlFramesPerSecond = controlFrames
        limits.maxResetsPerSecond = resets
        return FloodGuard(limits: limits, now: at(milliseconds: 0))
    }

    private static let now = Self.at(milliseconds: 0)

    /// Whether a frame was over the limit.
    private static func expect(
        _ isTooMany: Bool,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ frame: () -> Bool
    ) {
        let result = frame()
        #expect(result == isTooMany, sourceLocation: sourceLocation)
    }

    @Test func eachKindOfFrameHasItsOwnBucket() {
        var flood = Self.guarded(controlFrames: 1, resets: 2)
        for _ in 0..<10 { Self.expect(false) { flood.controlFrame(now: Self.now) } }
        Self.expect(true) { flood.controlFrame(now: Self.now) }
        for _ in 0..<20 { Self.expect(false) { flood.reset(now: Self.now) } }
        Self.expect(true) { flood.reset(now: Self.now) }
    }

    @Test func usefulFramePaysForAUselessOne() {
        var flood = Self.guarded()
        for _ in 0..<1000 {
            Self.expect(false) { flood.controlFrame(now: Self.now) }
            flood.usefulFrame()
        }
        // It does not pay for resets.
        for _ in 0..<10 { Self.expect(false) { flood.reset(now: Self.now) } }
        flood.usefulFrame()
        Self.expect(true) { flood.reset(now: Self.now) }
    }

    @Test func completedCallPaysForAReset() {
        var flood = Self.guarded()
        for _ in 0..<1000 {
            Self.expect(false) { flood.reset(now: Self.now) }
            flood.completedCall()
        }
        for _ in 0..<10 { Self.expect(false) { flood.controlFrame(now: Self.now) } }
        flood.completedCall()
        Self.expect(true) { flood.controlFrame(now: Self.now) }
    }
}
