import Testing

@testable import ServiceKit

@Suite struct RetryBudgetTests {
    private static let second: UInt64 = 1_000_000_000

    /// Takes as many retries as there are.
    private func takeAll(_ budget: RetryBudget, at now: UInt64) -> Int {
        (0..<1_000_000).prefix { _ in budget.takeRetry(at: now) }.count
    }

    private func succeed(_ budget: RetryBudget, _ count: Int) {
        for _ in 0..<count { budget.succeeded() }
    }

    @Test func retryCostsTenSuccesses() {
        let budget = RetryBudget(burst: 2)
        #expect(takeAll(budget, at: 1) == 2)
        succeed(budget, 9)
        #expect(!budget.takeRetry(at: 1))
        budget.succeeded()
        #expect(budget.takeRetry(at: 1))
        succeed(budget, 1000)
        #expect(takeAll(budget, at: 1) == 2)
    }

    @Test func burstIsATenthOfTheCallsOfThreeSeconds() {
        let budget = RetryBudget(burst: 1000)
        // A minute of 1000 calls per second, with a look each second; and an hour without a look.
        var now = Self.second
        for _ in 0..<60 {
            succeed(budget, 1000)
            now += Self.second
            #expect(budget.takeRetry(at: now))
        }
        #expect((290...310).contains(takeAll(budget, at: now)))
        succeed(budget, 3_600_000)
        now += 3600 * Self.second
        #expect((300...310).contains(takeAll(budget, at: now)))
    }

    @Test func fewCallsHaveTwoRetriesAndTenMoreAtTheStart() {
        let budget = RetryBudget(burst: 1000, at: Self.second)
        #expect(takeAll(budget, at: Self.second) == 12)
        // They come back with the time: one in five seconds.
        #expect(takeAll(budget, at: 5 * Self.second) == 0)
        #expect(takeAll(budget, at: 6 * Self.second) == 1)
        #expect(takeAll(budget, at: 100 * Self.second) == 2)
    }

    /// Refused calls do not use up the retries of failed ones, nor the other way round.
    @Test func refusalsHaveTokensOfTheirOwn() {
        let budget = RetryBudget(burst: 1000, at: Self.second)
        func takeRefusals(at now: UInt64) -> Int {
            (0..<1_000_000).prefix { _ in budget.takeRetry(after: .refusal, at: now) }.count
        }
        #expect(takeRefusals(at: Self.second) == 12)
        #expect(takeAll(budget, at: Self.second) == 12)
        #expect(takeRefusals(at: Self.second) == 0)
        // A fifth of the calls that succeed, and a tenth.
        succeed(budget, 1000)
        #expect(takeAll(budget, at: Self.second) == 100)
        #expect(takeRefusals(at: Self.second) == 200)
        budget.resize(burst: 1)
        succeed(budget, 1000)
        #expect(takeRefusals(at: Self.second) == 1 && takeAll(budget, at: Self.second) == 1)
    }

    /// A channel that makes no retry at first has no more for it later.
    @Test func tokensOfTheStartFadeFromTheBeginning() {
        let budget = RetryBudget(burst: 1000, at: Self.second)
        #expect(takeAll(budget, at: 30 * Self.second) == 2)
    }

    /// Outages of ten seconds, from the start or after a time of success.
    @Test(arguments: [10, 100, 1000, 10_000], [2, 10, 60])
    func outageIsNotMultipliedByMoreThanATenth(_ rate: Int, _ before: Int) {
        var now = Self.second
        let budget = RetryBudget(burst: 1000, at: now)
        for _ in 0..<before * 10 {
            succeed(budget, rate / 10)
            now += Self.second / 10
        }
        var retries = 0
        for _ in 0..<100 {
            now += Self.second / 10
            // Each call is made three times if it may be.
            for _ in 0..<rate / 10 {
                if budget.takeRetry(at: now) { retries += 1 } else { continue }
                if budget.takeRetry(at: now) { retries += 1 }
            }
        }
        #expect(Double(retries) <= 0.1 * Double(10 * rate), "\(retries)")
        #expect(retries >= 5)
    }

    @Test(arguments: [0, -5, Int.min]) func budgetOf0AllowsNoRetry(_ burst: Int) {
        let budget = RetryBudget(burst: burst)
        succeed(budget, 100)
        #expect(!budget.takeRetry(at: 1) && !budget.takeRetry(at: 100 * Self.second))
    }

    @Test func budgetThatIsResizedStillCountsTheRetriesSoFar() {
        let budget = RetryBudget(burst: 3)
        #expect(budget.takeRetry(at: 1) && budget.takeRetry(at: 1))
        budget.resize(burst: 2)
        #expect(!budget.takeRetry(at: 1))
        budget.resize(burst: 4)
        #expect(takeAll(budget, at: 1) == 2)
        succeed(budget, 1000)
        #expect(takeAll(budget, at: 1) == 4)
    }

    @Test func clockThatGoesBackDoesNoHarm() {
        let budget = RetryBudget(burst: 3, at: 10 * Self.second)
        #expect(budget.takeRetry(at: 10 * Self.second) && budget.takeRetry(at: Self.second))
        succeed(budget, 10)
        #expect(takeAll(budget, at: 10 * Self.second) == 2)
    }

    @Test func concurrentRetriesDoNotOverdrawTheBudget() async {
        let budget = RetryBudget(burst: 1000)
        succeed(budget, 100_000)
        let taken = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask { (0..<1000).count { _ in budget.takeRetry(at: 1) } }
            }
            return await group.reduce(0, +)
        }
        #expect(taken == 1000)
    }
}
