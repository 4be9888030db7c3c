import Histogram

/// Makes a number of calls, `inFlight` of them at a time.
struct CallLoad<Call: BenchmarkCall>: Sendable {
    /// The times of calls in nanoseconds.
    typealias Latencies = Histogram<UInt64>

    var call: Call
    var calls: Int
    var inFlight: Int

    /// Makes the calls.
    ///
    /// - Parameter thorough: Whether to look at each byte of an answer.
    /// - Returns: How long each call took.
    /// - Throws: The error of the first call that failed, or ``WrongAnswer``.
    func run(thorough: Bool) async throws -> Latencies {
        try await withThrowingTaskGroup(of: Latencies.self) { group in
            for worker in 0..<self.inFlight {
                // The first workers take the remainder.
                let calls = self.calls / self.inFlight + (worker < self.calls % self.inFlight ? 1 : 0)
                group.addTask {
                    var latencies = Latencies(numberOfSignificantValueDigits: .three)
                    for _ in 0..<calls {
                        let start = ContinuousClock.now
                        try await self.call.run(thorough: thorough)
                        latencies.record(UInt64(start.duration(to: .now) / .nanoseconds(1)))
                    }
                    return latencies
                }
            }
            var all = Latencies(numberOfSignificantValueDigits: .three)
            for try await latencies in group {
                all.add(latencies)
            }
            return all
        }
    }
}
