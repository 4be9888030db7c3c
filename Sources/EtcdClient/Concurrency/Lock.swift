extension EtcdSession {
    /// Does something that only one session does at a time. Those who wait get their turn in the order they came.
    ///
    /// The lock is given back when the body has ended, and when the session does. A process that hangs for longer than
    /// the session's time to live loses it without knowing: guard what must not happen twice with a transaction that has
    /// ``LockHold/isHeld`` among its conditions.
    ///
    /// - Parameters:
    ///   - name: What is locked: a prefix of keys that nothing else uses.
    ///   - body: What is done.
    /// - Throws: ``EtcdError``; `CancellationError` when the task is cancelled while it waits; what the body throws.
    public func withLock<Result>(
        _ name: String,
        _ body: (LockHold) async throws -> Result
    ) async throws -> Result {
        try await WaitingLine(self, name: name).withTurn(value: "", body)
    }
}

/// A lock that is held.
public struct LockHold: Sendable, Hashable {
    /// The key that stands for it.
    public let key: String
    /// When it was created: it grows from one holder to the next.
    public let createRevision: Revision

    /// Holds as long as the lock is held: for transactions that must not be carried out by anyone else.
    public var isHeld: Transaction.Condition {
        .createRevision(of: key, .equal, createRevision)
    }
}
