private import Synchronization

/// The processors of a simulated server: each call that is worked on keeps one busy.
final class SimulatedProcessors: Sendable {
    private struct State {
        var used: UInt64 = 0
        var busy = 0
        var countedAt: UInt64 = 0

        mutating func count(to now: UInt64) {
            used += UInt64(busy) * (now - countedAt)
            countedAt = now
        }
    }

    private let clock: VirtualClock
    private let state = Mutex(State())

    init(clock: VirtualClock) {
        self.clock = clock
        state.withLock { $0.countedAt = clock.now }
    }

    /// The processor time that was used, in nanoseconds.
    var used: UInt64 {
        let now = clock.now
        return state.withLock { state in
            state.count(to: now)
            return state.used
        }
    }

    /// From now on so many are busy.
    func setBusy(_ count: Int) {
        let now = clock.now
        state.withLock { state in
            state.count(to: now)
            state.busy = count
        }
    }
}
