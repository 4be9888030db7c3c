private import Synchronization

/// The time of a simulation, in nanoseconds. It moves from event to event. It begins at 1, since 0 means "never".
final class VirtualClock: Sendable {
    static let origin: UInt64 = 1

    private let time = Atomic(origin)

    var now: UInt64 {
        get { time.load(ordering: .relaxed) }
        set { time.store(newValue, ordering: .relaxed) }
    }
}

extension Duration {
    /// The duration in nanoseconds, not below 0.
    var nanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        return seconds < 0 ? 0 : UInt64(seconds) * 1_000_000_000 + UInt64(max(0, attoseconds) / 1_000_000_000)
    }

    init(nanoseconds: UInt64) {
        self = .nanoseconds(Int64(nanoseconds))
    }
}
