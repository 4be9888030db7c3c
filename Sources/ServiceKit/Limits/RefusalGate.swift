private import Synchronization

/// Whether a limit has refused a call lately. Only then it is asked about heads of calls: so a server that refuses none pays for
/// one look.
///
/// All times are in nanoseconds from any origin.
package final class RefusalGate: Sendable {
    /// How long the gate stays open after a refusal.
    private static let openTime: UInt64 = 1_000_000_000

    private let closing = Atomic<UInt64>(0)

    package init() {}

    /// Whether the gate may be open.
    package var isOpen: Bool { closing.load(ordering: .relaxed) != 0 }

    /// Whether the gate is open at a time.
    func isOpen(at now: UInt64) -> Bool {
        let closing = closing.load(ordering: .relaxed)
        if now < closing { return true }
        if closing != 0 { _ = self.closing.compareExchange(expected: closing, desired: 0, ordering: .relaxed) }
        return false
    }

    /// A call is refused.
    func refused(at now: UInt64) {
        let next = now + Self.openTime
        // Seldom, so that event loops do not contend for it.
        if next > closing.load(ordering: .relaxed) + Self.openTime / 8 { closing.store(next, ordering: .relaxed) }
    }
}
