internal import ServiceKit
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

/// The same numbers for the same seed, in every process: SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom
/// Number Generators", 2014). Each client and each call has numbers of its own: so policies are compared on the same calls.
struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return KeyHash.mix(state)
    }

    /// A number from 0 up to, but not including, 1.
    mutating func fraction() -> Double { Double(next() >> 11) * 0x1p-53 }
}
