/// Waits until a burst of changes is over: an editor writes several files, a checkout hundreds.
struct Debouncer {
    /// How long nothing must have changed.
    var quiet = Duration.milliseconds(100)
    /// How long a burst may last before it is acted upon all the same.
    var limit = Duration.seconds(2)

    private var first: ContinuousClock.Instant?
    private var last: ContinuousClock.Instant?

    init() {}

    /// Notes a change.
    mutating func note(at instant: ContinuousClock.Instant) {
        if first == nil { first = instant }
        last = instant
    }

    /// When the burst is over, unless more changes; `nil` when nothing has changed.
    var due: ContinuousClock.Instant? {
        guard let first, let last else { return nil }
        return min(last + quiet, first + limit)
    }
}
