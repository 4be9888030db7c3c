/// The leader of an election.
public struct EtcdLeader: Sendable, Hashable {
    /// The key of the leadership.
    public let key: String
    /// The value that the leader proclaims: its address, for example.
    public let value: String
    /// The revision at which the leader's key was created. It grows from one leader to the next.
    public let createRevision: Revision

    init(_ entry: KeyValue) {
        key = entry.keyText
        value = entry.valueText
        createRevision = entry.createRevision
    }
}

extension EtcdSession {
    /// Waits to be elected, leads, and resigns when the body ends.
    ///
    /// - Parameters:
    ///   - name: The election: a prefix that no other keys use.
    ///   - value: The value that others see of this leader.
    ///   - body: The leader's work. It is cancelled when the session is lost.
    /// - Returns: The body's result.
    /// - Throws: ``EtcdError``; `CancellationError` when the task is cancelled while it waits; any error of the body.
    public func lead<Result>(
        _ name: String,
        value: String,
        _ body: (Leadership) async throws -> Result
    ) async throws -> Result {
        try await WaitQueue(self, name: name).withOwnership(value: value) { ownership in
            try await body(Leadership(session: self, ownership: ownership))
        }
    }
}

/// The leadership of an election, while the body of ``EtcdSession/lead(_:value:_:)`` runs.
public struct Leadership: Sendable {
    private let session: EtcdSession
    /// The key that proves the leadership.
    public let ownership: Ownership

    init(session: EtcdSession, ownership: Ownership) {
        self.session = session
        self.ownership = ownership
    }

    /// Publishes another value of this leader.
    ///
    /// - Throws: `leaseNotFound` if the leadership was lost.
    public func proclaim(_ value: String) async throws(EtcdError) {
        let result = try await session.client.commit(
            Transaction(if: [ownership.isOwner], then: [.put(ownership.key, value, lease: session.lease.id)])
        )
        guard result.succeeded else {
            throw EtcdError(code: .leaseNotFound, message: "etcd: \(ownership.key) leads no longer")
        }
    }
}

extension EtcdClient {
    /// The current leader of an election; `nil` if there is none.
    public func leader(of name: String) async throws(EtcdError) -> EtcdLeader? {
        let options = GetOptions.with {
            $0.sort = .createRevision
            $0.limit = 1
        }
        return try await get(.prefix(name + "/"), options).entries.first.map(EtcdLeader.init)
    }

    /// Observes an election until the task is cancelled or the client is shut down: hands over the leader at the start
    /// and after each change; `nil` if there is none.
    public func observeLeader(of name: String, _ handle: (EtcdLeader?) async -> Void) async {
        var candidates: [[UInt8]: KeyValue] = [:]
        var reported: EtcdLeader??
        await listAndWatch(.prefix(name + "/")) { $0 }.run { update in
            switch update {
            case .snapshot(let entries, _, _):
                candidates = [:]
                for (_, entry) in entries { candidates[entry.key] = entry }
            case .changes(let changes):
                for change in changes {
                    switch change {
                    case .put(let entry, _): candidates[entry.key] = entry
                    case .removed(let key): candidates[key] = nil
                    }
                }
            case .connected, .interrupted:
                return
            }
            let leader = candidates.values.min { $0.createRevision < $1.createRevision }.map(EtcdLeader.init)
            if reported != .some(leader) {
                reported = leader
                await handle(leader)
            }
        }
    }
}
