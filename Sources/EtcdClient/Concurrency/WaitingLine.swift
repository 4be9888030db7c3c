/// Those who wait for something that one has at a time, first come first served: each has a key of its own below a
/// common prefix, and the oldest key has it.
struct WaitingLine: Sendable {
    let session: EtcdSession
    let prefix: String

    /// A slash ends the name, so that no other name's keys are below it.
    init(_ session: EtcdSession, name: String) {
        self.session = session
        prefix = name + "/"
    }

    /// This session's key.
    var key: String { prefix + String(session.lease.id, radix: 16) }

    /// Joins the line, does something when this session is first, and leaves.
    ///
    /// - Parameters:
    ///   - value: The value of the key.
    ///   - body: What is done.
    /// - Returns: What the body returns.
    /// - Throws: ``EtcdError``; `CancellationError` when the task is cancelled while it waits; what the body throws.
    func withTurn<Result>(value: String, _ body: (LockHold) async throws -> Result) async throws -> Result {
        let outcome: Swift.Result<Result, any Error>
        do {
            outcome = .success(try await body(try await waitForTurn(value)))
        } catch {
            outcome = .failure(error)
        }
        // Unstructured, since the task may be cancelled, and others wait for this key to go. It ends with the client's
        // time limit for requests.
        await Task { try? await leave() }.value
        return try outcome.get()
    }

    private func waitForTurn(_ value: String) async throws -> LockHold {
        let created = try await join(value)
        while let previous = try await predecessor(of: created) {
            try await waitForEnd(of: previous)
        }
        return LockHold(key: key, createRevision: created)
    }

    private func leave() async throws(EtcdError) {
        let client = session.client
        let request = WireDeleteRangeRequest(client.namespace.adding(to: .key(key)))
        // Again and again if need be: nobody else has this key, and others wait for it to go.
        _ = try await client.calls.unary(.deleteRange, request, isRepeatable: true)
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
        // An attempt before this one may have been carried out although its answer was lost.
        guard case .get(let found)? = result.outcomes.first, let entry = found.entries.first else {
            throw EtcdError(code: .unknown, message: "etcd: key \(key) was there and is not")
        }
        return entry.createRevision
    }

    /// The one just before, of those who came earlier.
    ///
    /// - Throws: ``EtcdError``: `leaseNotFound` when this session's key is gone, since nobody would be found before it
    ///   either.
    private func predecessor(of created: Revision) async throws(EtcdError) -> (key: [UInt8], revision: Revision)? {
        let options = GetOptions.with {
            $0.maxCreateRevision = created - 1
            $0.sort = (.createRevision, .descending)
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
            // What was missed is found out by looking again.
            return
        }
        try Task.checkCancellation()
    }
}
