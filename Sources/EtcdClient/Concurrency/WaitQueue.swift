internal import ServiceKitConcurrency

/// The sessions that wait for a lock or an election, first come, first served. Each session has a key below a common
/// prefix; the oldest key owns the lock.
///
/// The algorithm is that of etcd's Go package `concurrency` (`Mutex`, `Election`): a session waits only for the key
/// before its own.
struct WaitQueue: Sendable {
    let session: EtcdSession
    let prefix: String

    /// A slash ends the name, so that the keys of `jobs-old` are not below `jobs`.
    init(_ session: EtcdSession, name: String) {
        self.session = session
        prefix = name + "/"
    }

    var key: String { prefix + String(session.lease.id, radix: 16) }

    /// Joins the queue, runs the owner's work when this session is first, and leaves the queue. Throws ``EtcdError``,
    /// any error of the body, or `CancellationError` when the task is cancelled while it waits.
    func withOwnership<Result>(value: String, _ body: (Ownership) async throws -> Result) async throws -> Result {
        let outcome = await Swift.Result<Result, any Error>(catching: {
            try await body(try await waitForOwnership(value))
        })
        // The task is unstructured, since the caller's task may be cancelled, and other sessions wait for this key to
        // go. It ends with the client's time limit for requests.
        await Task { try? await leave() }.value
        return try outcome.get()
    }

    private func waitForOwnership(_ value: String) async throws -> Ownership {
        let created = try await join(value)
        while let previous = try await predecessor(of: created) { try await waitForEnd(of: previous) }
        return Ownership(key: key, createRevision: created)
    }

    private func leave() async throws(EtcdError) {
        let client = session.client
        let request = WireDeleteRangeRequest(client.namespace.adding(to: .key(key)))
        // Repeatable: no other session has this key, and others wait for it to go.
        _ = try await client.calls.unary(EtcdMethods.deleteRange, request, isRepeatable: true)
    }

    private func join(_ value: String) async throws(EtcdError) -> Revision {
        let result = try await session.client.commit(
            Transaction(
                if: [.isAbsent(key)],
                then: [.put(key, value, lease: session.lease.id)],
                else: [.get(.key(key))]
            ),
            isRepeatable: true
        )
        guard !result.succeeded else { return result.revision }
        // An earlier attempt may have been carried out although its answer was lost.
        guard case .get(let found)? = result.outcomes.first, let entry = found.entries.first else {
            throw EtcdError(code: .unknown, message: "etcd: key \(key) was there and is not")
        }
        return entry.createRevision
    }

    /// The youngest of the keys that are older than this session's key. Throws ``EtcdError``: `leaseNotFound` when this
    /// session's own key is gone. Otherwise the session would count as first.
    private func predecessor(of created: Revision) async throws(EtcdError) -> (key: [UInt8], revision: Revision)? {
        let options = GetOptions.with {
            $0.maxCreateRevision = created - 1
            $0.sort = .createRevision
            $0.order = .descending
            $0.limit = 1
            $0.keysOnly = true
        }
        let result = try await session.client.commit(
            Transaction(if: [.createRevision(of: key, .equal, created)], then: [.get(.prefix(prefix), options)]),
            isRepeatable: true
        )
        guard result.succeeded, case .get(let found)? = result.outcomes.first else {
            throw EtcdError(code: .leaseNotFound, message: "etcd: \(key) is gone; its session was lost")
        }
        return found.entries.first.map { ($0.key, result.revision) }
    }

    private func waitForEnd(of previous: (key: [UInt8], revision: Revision)) async throws {
        let options = WatchOptions.with {
            $0.from = previous.revision + 1
            $0.includesPuts = false
        }
        do {
            for try await update in session.client.watch(.key(previous.key), options) {
                if case .events = update { return }
            }
        } catch let error as EtcdError where error.code == .compacted || error.code == .storeReset {
            // The next look at the keys shows the changes that this watch missed.
            return
        }
        try Task.checkCancellation()
    }
}
