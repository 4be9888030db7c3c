/// Makes a number of calls, `inFlight` of them at a time.
struct CallLoad<Call: BenchmarkCall>: Sendable {
    var call: Call
    var calls: Int
    var inFlight: Int

    /// Makes the calls.
    ///
    /// - Parameter thorough: Whether to look at each byte of an answer.
    /// - Returns: How long each call took, in nanoseconds, in no order.
    /// - Throws: The error of the first call that failed, or ``WrongAnswer``.
    func run(thorough: Bool) async throws -> [UInt64] {
        try await withThrowingTaskGroup(of: [UInt64].self) { group in
            for worker in 0..<self.inFlight {
                // The first workers take the remainder.
                let calls = self.calls / self.inFlight + (worker < self.calls % self.inFlight ? 1 : 0)
                group.addTask {
                    var latencies: [UInt64] = []
                    // So that the measured calls bear no cost of keeping their times.
                    latencies.reserveCapacity(calls)
                    for _ in 0..<calls {
                        let start = ContinuousClock.now
                        try await self.call.run(thorough: thorough)
                        latencies.append(UInt64(start.duration(to: .now) / .nanoseconds(1)))
                    }
                    return latencies
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
    }
}
