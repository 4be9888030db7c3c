import ServiceKit
import ServiceKitConcurrency
import Testing

@Suite struct BackoffTests {
    /// The greatest of many pauses. Each is the next pause of a new backoff after a number of others.
    func greatestPause(after others: Int, of backoff: Backoff) -> Duration {
        (0..<2000).map { _ in
            var backoff = backoff
            for _ in 0..<others { _ = backoff.next() }
            return backoff.next()
        }.max() ?? .zero
    }

    @Test(arguments: zip(0..<6, [100, 200, 400, 800, 1000, 1000]))
    func theBoundDoublesUpToTheMaximum(_ others: Int, _ bound: Int) {
        let pause = greatestPause(after: others, of: Backoff(base: .milliseconds(100), maximum: .seconds(1)))
        #expect(pause <= .milliseconds(bound))
        // That 2000 pauses all are shorter has a probability of 10^-90.
        #expect(pause > .milliseconds(bound) * 0.9)
    }

    @Test func successResetsTheBackoff() {
        var backoff = Backoff(base: .milliseconds(100), maximum: .seconds(1))
        for _ in 0..<5 { _ = backoff.next() }
        backoff.reset()
        #expect(greatestPause(after: 0, of: backoff) <= .milliseconds(100))
    }

    @Test func pausesAreSpreadOverTheWholeRange() {
        let pauses = (0..<1000).map { _ in
            var backoff = Backoff(base: .seconds(1))
            return backoff.next() / .seconds(1)
        }
        #expect(pauses.allSatisfy { (0...1).contains($0) })
        for quarter in 0..<4 {
            let count = pauses.count { Int($0 * 4) == quarter }
            #expect(count > 100, "\(count) of 1000 in quarter \(quarter)")
        }
    }
}
