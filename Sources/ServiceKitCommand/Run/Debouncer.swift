/// Waits until a burst of changes is over: an editor writes several files, a checkout hundreds.
struct Debouncer {
    /// The quiet time that ends a burst.
    var quiet = Duration.milliseconds(100)
    /// The longest burst. After it the changes count.
    var limit = Duration.seconds(2)

    private var first: ContinuousClock.Instant?
    private var last: ContinuousClock.Instant?

    init() {}

    mutating func note(at instant: ContinuousClock.Instant) {
        if first == nil { first = instant }
        last = instant
    }

    /// The end of the burst if no further change comes; `nil` when no change came.
    var due: ContinuousClock.Instant? {
        guard let first, let last else { return nil }
        return min(last + quiet, first + limit)
    }
}
