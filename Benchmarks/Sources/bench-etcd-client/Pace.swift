/// The pace of measurements that are compared with each other: they begin at equal distances, so that etcd's background
/// work of every 100 ms meets as many of them on either side.
struct Pace {
    private static let interval = Duration.milliseconds(10)

    private var due = ContinuousClock.now

    /// Waits until the next measurement is due.
    ///
    /// - Returns: The present time.
    mutating func next() async throws -> ContinuousClock.Instant {
        self.due = max(self.due.advanced(by: Self.interval), .now)
        try await Task.sleep(until: self.due, tolerance: .zero)
        return .now
    }
}
