import NIOCore

/// When a server accepts connections again after the system had no descriptor, or no memory, for one more.
///
/// The pause doubles with each failure in a row. A connection that closes ends it early.
struct AcceptPause: Sendable {
    /// A pause that begins.
    struct Beginning: Hashable, Sendable {
        var length: TimeAmount
        /// Tells the pause from earlier ones, whose timers are void.
        var number: Int
        /// Whether it is to be logged.
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
        guard !self.isPaused else { return nil }
        self.isPaused = true
        self.number += 1
        let isWarningDue = self.warnedAt.map { now - $0 >= Self.warningInterval } ?? true
        if isWarningDue {
            self.warnedAt = now
        }
        defer { self.next = min(self.next * 2, Self.longest) }
        return Beginning(length: self.next, number: self.number, isWarningDue: isWarningDue)
    }

    /// A connection was accepted.
    mutating func accepted() {
        self.next = Self.shortest
    }

    /// Ends a pause: the one with this number when its time is over, any if a connection has closed.
    ///
    /// - Returns: Whether there was one, so that connections are to be accepted again.
    mutating func end(number: Int? = nil) -> Bool {
        guard self.isPaused, number == nil || number == self.number else { return false }
        self.isPaused = false
        return true
    }
}
