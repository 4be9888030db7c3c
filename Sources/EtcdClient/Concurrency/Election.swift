/// Someone who leads.
public struct EtcdLeader: Sendable, Hashable {
    /// The key that stands for the leadership.
    public let key: String
    /// What the leader says of itself: its address, say.
    public let value: String
    /// When it came to lead: it grows from one leader to the next.
    public let createRevision: Revision

    init(_ entry: KeyValue) {
        key = entry.keyText
        value = entry.valueText
        createRevision = entry.createRevision
    }
}

extension EtcdSession {
    /// Waits to be elected, leads, and resigns when the body has ended.
    ///
    /// - Parameters:
    ///   - name: The election: a prefix of keys that nothing else uses.
    ///   - value: What others are told of this leader.
    ///   - body: What the leader does. It is cancelled with the session, when that is lost.
    /// - Throws: ``EtcdError``; `CancellationError` when the task is cancelled while it waits; what the body throws.
    public func lead<Result>(
        _ name: String,
        value: String,
        _ body: (Leadership) async throws -> Result
    ) async throws -> Result {
        try await WaitingLine(self, name: name).withTurn(value: value) { hold in
            try await body(Leadership(session: self, hold: hold))
        }
    }
}

/// Being the leader.
public struct Leadership: Sendable {
    private let session: EtcdSession
    /// What stands for it.
    public let hold: LockHold

    init(session: EtcdSession, hold: LockHold) {
        self.session = session
        self.hold = hold
    }

    /// Tells others something else of this leader.
    ///
    /// - Throws: ``EtcdError``: `leaseNotFound` if the leadership was lost.
    public func proclaim(_ value: String) async throws(EtcdError) {
        let result = try await session.client.commit(
            Transaction(if: [hold.isHeld], then: [.put(hold.key, value, lease: session.lease.id)])
        )
        guard result.succeeded else {
            throw EtcdError(code: .leaseNotFound, message: "etcd: \(hold.key) leads no longer")
        }
    }
}

extension EtcdClient {
    /// Who leads now.
    ///
    /// - Parameter name: The election.
    /// - Throws: ``EtcdError``.
    public func leader(of name: String) async throws(EtcdError) -> EtcdLeader? {
        let options = GetOptions.with {
            $0.sort = (.createRevision, .ascending)
            $0.limit = 1
        }
        return try await get(.prefix(name + "/"), options).entries.first.map(EtcdLeader.init)
    }

    /// Follows an election until the task is cancelled or the client is shut down.
    ///
    /// - Parameters:
    ///   - name: The election.
    ///   - handle: Told who leads, at the start and with each change; `nil` for nobody.
    public func observeLeader(of name: String, _ handle: (EtcdLeader?) async -> Void) async {
        var candidates: [[UInt8]: KeyValue] = [:]
        var told: EtcdLeader??
        await follow(.prefix(name + "/")) { $0 }.run { update in
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
            if told != .some(leader) {
                told = leader
                await handle(leader)
            }
        }
    }
}
