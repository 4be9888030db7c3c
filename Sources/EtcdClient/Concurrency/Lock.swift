extension EtcdSession {
    /// Runs a body that only one session runs at a time. Sessions get the lock in the order in which they asked for it.
    ///
    /// The lock is released when the body or the session ends. A process that hangs for longer than the session's time
    /// to live loses the lock and does not notice. Guard a step that must not happen twice: do it in a transaction with
    /// the condition ``Ownership/isOwner``.
    ///
    /// - Parameters:
    ///   - name: The lock: a prefix that no other keys use.
    ///   - body: The work under the lock.
    /// - Returns: The body's result.
    /// - Throws: ``EtcdError``; `CancellationError` when the task is cancelled while it waits; any error of the body.
    public func withLock<Result>(_ name: String, _ body: (Ownership) async throws -> Result) async throws -> Result {
        try await WaitQueue(self, name: name).withOwnership(value: "", body)
    }
}

/// The ownership of a lock or of a leadership: the key that proves it.
public struct Ownership: Sendable, Hashable {
    /// The key. It exists as long as the ownership.
    public let key: String
    /// The revision at which the key was created. It grows from one owner to the next.
    public let createRevision: Revision

    /// The condition that the ownership still lasts. Put it into a transaction that only the owner may carry out.
    public var isOwner: Transaction.Condition { .createRevision(of: key, .equal, createRevision) }
}
