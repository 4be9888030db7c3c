import Testing

@testable import ServiceKit

@Suite struct TokenBucketsTests {
    private static let second: UInt64 = 1_000_000_000

    private func taken(_ buckets: inout TokenBuckets, _ key: Int, _ calls: Int, at now: UInt64) -> Int {
        (0..<calls).filter { _ in buckets.take(key, at: now, rate: 10, burst: 5, maxKeys: 100) }.count
    }

    @Test func aBurstIsFollowedByTheRate() {
        var buckets = TokenBuckets()
        #expect(taken(&buckets, 1, 100, at: Self.second) == 5)
        #expect(taken(&buckets, 1, 100, at: Self.second + Self.second / 10) == 1)
        // A bucket does not hold more than the burst.
        #expect(taken(&buckets, 1, 100, at: 100 * Self.second) == 5)
        // A clock that seems to go back gives nothing.
        #expect(taken(&buckets, 1, 100, at: 50 * Self.second) == 0)
    }

    @Test func eachKeyHasABucketOfItsOwn() {
        var buckets = TokenBuckets()
        #expect(taken(&buckets, 1, 100, at: Self.second) == 5)
        #expect(taken(&buckets, 2, 100, at: Self.second) == 5)
        #expect(taken(&buckets, 1, 100, at: Self.second) == 0)
    }

    @Test func aKeyThatIsAskedForIsNotKept() {
        var buckets = TokenBuckets()
        func isEmpty(_ key: Int, at now: UInt64) -> Bool {
            buckets.isEmpty(key, at: now, rate: 10, burst: 5, maxKeys: 100)
        }
        for key in 0..<10 { #expect(!isEmpty(key, at: Self.second)) }
        #expect(buckets.count == 0)
        #expect(taken(&buckets, 1, 5, at: Self.second) == 5)
        #expect(isEmpty(1, at: Self.second))
        #expect(!isEmpty(1, at: 2 * Self.second))
    }

    @Test func keysAreBoundedAndABusyOneIsKept() {
        var buckets = TokenBuckets()
        #expect(taken(&buckets, -1, 100, at: Self.second) == 5)
        for key in 0..<100_000 {
            _ = buckets.take(key, at: Self.second, rate: 10, burst: 5, maxKeys: 100)
            if key.isMultiple(of: 10) { #expect(taken(&buckets, -1, 1, at: Self.second) == 0) }
            #expect(buckets.count <= 100)
        }
    }
}
