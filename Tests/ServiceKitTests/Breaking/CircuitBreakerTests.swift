import ServiceKitTestSupport
import Testing

@testable import ServiceKit

@Suite struct CircuitBreakerTests {
    private static let second: UInt64 = 1_000_000_000
    /// The begin of a window, far from 0.
    private static let start = 3000 * second

    private static func options(k: Double = 2, minRequests: Int = 1) -> CircuitBreaker.Options {
        var options = CircuitBreaker.Options()
        (options.k, options.minRequests) = (k, minRequests)
        return options
    }

    private func count(
        _ accepts: Int, _ failures: Int, in breaker: borrowing CircuitBreaker, at now: UInt64 = start,
        _ options: CircuitBreaker.Options = options()
    ) {
        for _ in 0..<accepts { breaker.ended(isAccepted: true, at: now, options) }
        for _ in 0..<failures { breaker.ended(isAccepted: false, at: now, options) }
    }

    struct Counts: Sendable {
        var accepts: Int
        var failures: Int
        var k: Double
        var probability: Double
    }

    @Test(arguments: [
        Counts(accepts: 0, failures: 100, k: 2, probability: 0.990099009901),
        Counts(accepts: 40, failures: 60, k: 2, probability: 0.19801980198),
        Counts(accepts: 50, failures: 50, k: 2, probability: 0),
        Counts(accepts: 100, failures: 0, k: 2, probability: 0),
        Counts(accepts: 90, failures: 10, k: 1.1, probability: 0.009900990099),
        Counts(accepts: 10, failures: 90, k: 5, probability: 0.49504950495),
        Counts(accepts: 1, failures: 0, k: 1, probability: 0),
    ])
    func probabilityIsThatOfTheBook(_ counts: Counts) {
        let breaker = CircuitBreaker()
        count(counts.accepts, counts.failures, in: breaker)
        let probability = breaker.refusalProbability(at: Self.start, Self.options(k: counts.k))
        #expect(abs(probability - counts.probability) < 1e-9)
    }

    @Test func fewRequestsAreNeverRefused() {
        let breaker = CircuitBreaker()
        count(0, 19, in: breaker)
        #expect(breaker.refusalProbability(at: Self.start, Self.options(minRequests: 20)) == 0)
        count(0, 1, in: breaker)
        #expect(breaker.refusalProbability(at: Self.start, Self.options(minRequests: 20)) > 0.9)
    }

    @Test func countsFadeWithinTwoWindows() {
        let breaker = CircuitBreaker()
        let options = Self.options()
        count(0, 100, in: breaker)
        func probability(after seconds: UInt64) -> Double {
            breaker.refusalProbability(at: Self.start + seconds * Self.second, options)
        }
        #expect(abs(probability(after: 2) - 100.0 / 101) < 1e-9)
        // A third of the window before still overlaps.
        let third = 100.0 / 3
        #expect(abs(probability(after: 5) - third / (third + 1)) < 1e-9)
        #expect(probability(after: 6) == 0)
        #expect(probability(after: 3_000_000) == 0)
    }

    @Test func aLateTaskDoesNotClearALaterWindow() {
        let breaker = CircuitBreaker()
        count(0, 100, in: breaker)
        count(0, 1, in: breaker, at: Self.start - 6 * Self.second)
        #expect(breaker.refusalProbability(at: Self.start, Self.options()) > 0.9)
    }

    @Test func anotherWindowLengthBeginsAnew() {
        let breaker = CircuitBreaker()
        count(0, 100, in: breaker)
        var longer = Self.options()
        longer.window = .seconds(60)
        #expect(breaker.refusalProbability(at: Self.start, longer) == 0)
        count(0, 50, in: breaker, longer)
        #expect(breaker.refusalProbability(at: Self.start, longer) > 0.9)
    }

    @Test(arguments: CallStatus.allCases)
    func failuresAre500And503And504(_ status: CallStatus) {
        let breaker = CircuitBreaker()
        for _ in 0..<100 { breaker.ended(status, at: Self.start, Self.options()) }
        let failures: [CallStatus] = [.unknown, .internalError, .dataLoss, .unavailable, .deadlineExceeded]
        let isFailure = failures.contains(status)
        #expect((breaker.refusalProbability(at: Self.start, Self.options()) > 0) == isFailure)
    }

    @Test func cancelledRequestsDoNotCount() {
        let breaker = CircuitBreaker()
        for _ in 0..<100 { breaker.ended(.cancelled, at: Self.start, Self.options()) }
        count(0, 1, in: breaker)
        // 1 / 2, and not 1 / 102.
        #expect(breaker.refusalProbability(at: Self.start, Self.options()) == 0.5)
    }

    @Test func refusesAsManyAsTheProbabilitySays() {
        let breaker = CircuitBreaker()
        count(20, 60, in: breaker)
        var generator = SharedGenerator(seed: 1)
        let options = Self.options()
        let admitted = (0..<10_000).count { _ in breaker.admits(at: Self.start, options, using: &generator) }
        // 1 - 40 / 81.
        #expect(abs(Double(admitted) / 10_000 - 0.506) < 0.02)
    }

    @Test func manyTasksCountEveryRequest() async {
        final class Holder: Sendable { let breaker = CircuitBreaker() }
        let holder = Holder()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask { count(250, 750, in: holder.breaker) }
            }
        }
        let probability = holder.breaker.refusalProbability(at: Self.start, Self.options())
        #expect(abs(probability - 4000.0 / 8001) < 1e-9)
    }

    /// 1000 requests a second for a minute. The callee is down from the 10th second to the 30th.
    @Test func anOutageCostsFewRequestsAndEndsWithinAWindow() {
        let breaker = CircuitBreaker()
        let options = Self.options(minRequests: 20)
        var generator = SharedGenerator(seed: 7)
        var made: [UInt64: Int] = [:]
        for request in 0..<60_000 as Range<UInt64> {
            let now = Self.start + request * Self.second / 1000
            let second = request / 1000
            guard breaker.admits(at: now, options, using: &generator) else { continue }
            made[second, default: 0] += 1
            breaker.ended(isAccepted: !(10..<30).contains(second), at: now, options)
        }
        for second in 0..<10 as Range<UInt64> { #expect(made[second] == 1000) }
        // In the first window the accepts before the outage still count.
        var outage = 0
        for second in 14..<30 as Range<UInt64> { outage += made[second, default: 0] }
        #expect(outage < 16_000 / 20 && outage > 16, "\(outage)")
        for second in 36..<60 as Range<UInt64> { #expect(made[second] == 1000) }
    }
}
