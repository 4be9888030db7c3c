import NIOCore

/// When a server accepts connections again after the system had no descriptor, or no memory, for one more.
///
/// The pause doubles with each failure in a row. A connection that closes ends it early.
///
/// | state | event | state | effect |
/// |---|---|---|---|
/// | accepting | accepting fails | paused | a pause begins; the next one is twice as long |
/// | accepting | a connection is accepted | accepting | the next pause is the shortest |
/// | paused | the pause's own time is over; a connection closes | accepting | accepting begins again |
/// | paused | accepting fails; an earlier pause's time is over | paused | |
struct AcceptPause: Sendable {
    /// A pause that begins.
    struct Beginning: Hashable, Sendable {
        var length: TimeAmount
        /// Tells the pause from earlier ones, whose timers are void.
        var number: Int
        /// Whether to log it.
        var isWarningDue: Bool
    }

    /// The pause after the first failure.
    static let shortest = TimeAmount.milliseconds(10)
    /// The longest pause.
    static let longest = TimeAmount.seconds(1)
    /// How often a warning is logged, at most.
    static let warningInterval = TimeAmount.seconds(60)

    private(set) var isPaused = false
    private var next = Self.shortest
    private var number = 0
    private var warnedAt: NIODeadline?

    /// Accepting a connection has failed.
    ///
    /// - Returns: The pause to be made; `nil` if there is one already.
    mutating func failed(now: NIODeadline) -> Beginning? {
        guard !isPaused else { return nil }
        isPaused = true
        number += 1
        let isWarningDue = warnedAt.map { now - $0 >= Self.warningInterval } ?? true
        if isWarningDue {
            warnedAt = now
        }
        defer { next = min(next * 2, Self.longest) }
        return Beginning(length: next, number: number, isWarningDue: isWarningDue)
    }

    /// A connection was accepted.
    mutating func accepted() {
        next = Self.shortest
    }

    /// Ends a pause: the one with this number when its time is over, any if a connection has closed.
    ///
    /// - Returns: Whether there was one. If so, accept connections again.
    mutating func end(number: Int? = nil) -> Bool {
        guard isPaused, number == nil || number == self.number else { return false }
        isPaused = false
        return true
    }
}
