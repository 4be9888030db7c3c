/// The deadline that a caller has set for a call. At the call's end it tells whether that deadline has ended the call, or an
/// earlier one of the server.
struct CallerDeadline: Sendable {
    private let deadline: ContinuousClock.Instant?

    /// The deadline of a call that has none of the server yet: before ``Deadlines`` begins.
    init(of call: borrowing Call) {
        deadline = call.deadline
    }

    /// Whether the caller's deadline ended a call.
    ///
    /// - Parameters:
    ///   - call: The call as the last middleware left it.
    ///   - status: How it ended.
    ///   - now: The time, which is read only for a call that a deadline may have ended.
    func hasEnded(
        _ call: borrowing Call, _ status: CallStatus, at now: @autoclosure () -> ContinuousClock.Instant
    ) -> Bool {
        guard status == .deadlineExceeded, let deadline, call.deadline == deadline else { return false }
        // A time limit of a call that the handler made may have passed before.
        return deadline <= now()
    }
}
