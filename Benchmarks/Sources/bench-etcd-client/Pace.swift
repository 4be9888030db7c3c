/// How far apart those measurements begin that are compared with each other: equally far, so that what etcd does in the
/// background every 100 ms meets as many of them.
struct Pace {
    private static let interval = Duration.milliseconds(10)

    private var due = ContinuousClock.now

    /// Waits until the next one is due.
    ///
    /// - Returns: The time then.
    mutating func next() async throws -> ContinuousClock.Instant {
        self.due = max(self.due.advanced(by: Self.interval), .now)
        try await Task.sleep(until: self.due, tolerance: .zero)
        return .now
    }
}
