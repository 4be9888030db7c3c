internal import GRPCCore
internal import GRPCNghttp2Transport
internal import ServiceKit
internal import Synchronization

/// Hedging (gRFC A6): attempts of a call side by side, of which the first answer counts.
extension ClientCall {
    /// Takes the first answer of several attempts, if one is there.
    func poll(_ attempts: [Attempt]) throws(RPCError) -> Poll {
        for attempt in attempts {
            guard let answer = Self.answer(of: attempt) else { continue }
            let failure: RPCError
            switch answer {
            case .success(let part):
                for loser in state.withLock({ $0.won(by: attempt) }) { abandon(loser, .outrun) }
                return try take(part)
            case .failure(let error):
                failure = error
            }
            let policy = channel.options.retry.policy(for: operation)
            guard state.withLock({ $0.lost(attempt, failure, policy) }) else { return .wait(.nextAttempt(failure)) }
            attempt.stream.cancel()
            channel.pool.ended(attempt, of: operation, with: .failed(failure))
        }
        return .wait(.anyReadable)
    }

    /// The first part of an attempt's response, or its failure; `nil` while there is neither.
    private static func answer(of attempt: Attempt) -> Result<RPCResponsePart<[UInt8]>?, RPCError>? {
        do throws(RPCError) {
            guard case .ready(let part) = try attempt.stream.poll() else { return nil }
            return failure(part).map { .failure($0) } ?? .success(part)
        } catch {
            return .failure(error)
        }
    }

    /// Waits until one of the attempts has something to read. If that takes longer than the hedging of the method allows,
    /// another attempt begins beside them.
    func waitAndHedge(_ policy: RetryPolicy) async throws {
        let delay = policy.hedgingDelay
        let (attempts, nextHedge) = state.withLock { $0.race(policy, delay ?? .zero, now: .now) }
        let isDue = try await Self.waitForAny(attempts.map(\.stream), until: delay == nil ? nil : nextHedge)
        if isDue, let delay { hedge(policy, delay) }
    }

    /// Waits until one of some streams has something to read.
    ///
    /// - Returns: Whether the time has come before.
    private static func waitForAny(
        _ streams: [ClientStream], until time: ContinuousClock.Instant?
    ) async throws -> Bool {
        let isDue = await withTaskGroup(of: Bool.self) { group in
            for stream in streams {
                group.addTask {
                    await stream.waitUntilReadableOrCancelled()
                    return false
                }
            }
            if let time {
                group.addTask { (try? await Task.sleep(until: time, clock: .continuous)) != nil }
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
        try Task.checkCancellation()
        return isDue
    }

    /// Makes another attempt beside those under way, if there is a ready instance for it, and the budget allows it.
    private func hedge(_ policy: RetryPolicy, _ delay: Duration) {
        let avoid = state.withLock { $0.nextHedge(policy, delay, now: .now) }
        guard let avoid else { return }
        guard channel.retryBudget.takeRetry() else { return state.withLock { $0.endHedging() } }
        let (start, attempts) = state.withLock { ($0.start, $0.attempts) }
        // A hedge that cannot be made fails no call: the attempts under way go on.
        let opened = try? openStream(
            attempts + 1, avoid: avoid, start, try channel.breakers.beginAttempt(of: operation))
        guard let (pick, stream) = opened else { return }
        var ends: [CallAttempt.End] = []
        let begun = Result { try begin(start.attemptBegins, of: pick, start.headers, &ends) }
        let attempt = Attempt(consume pick, stream, ends)
        guard case .success(let headers) = begun, state.withLock({ $0.beginHedge(attempt, headers) }) else {
            return abandon(attempt)
        }
    }
}
