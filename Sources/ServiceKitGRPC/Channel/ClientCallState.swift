internal import GRPCCore
internal import GRPCNghttp2Transport
internal import ServiceKit
internal import ServiceKitConcurrency

/// The headers and the deadline that a call begins with.
struct ClientCallStart: Sendable {
    var headers: Metadata = [:]
    /// The time by which the call must have ended.
    var deadline: ContinuousClock.Instant?
    /// Middleware of each attempt.
    var attemptBegins: [Call.AttemptBegin] = []
}

/// The states of a ``ClientCall``, kept under its lock. Its functions return actions, which are taken outside the lock.
///
/// | from | event | to |
/// |---|---|---|
/// | waiting | the middleware has begun | placing |
/// | placing | an attempt begins | attempted |
/// | attempted | the attempt fails and may be repeated | placing |
/// | attempted | a hedge begins beside the attempt, or one of several attempts fails and may | attempted |
/// | attempted | one of several attempts answers | attempted, without the others |
/// | waiting, placing, attempted | the call succeeds, fails, or is left | ended |
struct ClientCallState: ~Copyable {
    private enum Phase {
        /// The request's headers, or the middleware, are still to come.
        case waiting
        /// There is no attempt: before the first one, and between two.
        case placing
        case attempted(Attempt)
        /// The reason is there if the caller's side ended the call.
        case ended(RPCError?)
    }

    /// The place to which a written message went.
    enum WriteAction {
        /// An attempt has the message; the writer waits for room in the stream.
        case sent(ClientStream)
        /// The message is kept for the next attempt.
        case kept
        /// The message is kept, and there is no room for another one before an attempt begins.
        case full(Promise<Void>)
    }

    /// The next step of the reader.
    enum ReadAction {
        /// Wait for the call to begin.
        case wait(Promise<Void>)
        /// Begin an attempt.
        case begin
        /// Read from this stream.
        case read(ClientStream)
        /// Read the first answer of these attempts.
        case race([Attempt])
        /// The response was read to its end.
        case end
    }

    /// The next step after a failure.
    enum FailureAction {
        case fail(RPCError)
        /// Make another attempt after a pause; this one is over.
        case retry(Attempt, after: Duration)
    }

    /// About the bytes that a message takes beside its content: many small messages must be bounded as well.
    private static let messageOverhead = 64

    /// How often a call is made again after nodes that have not begun to process it.
    private static let maximumUnprocessed = 10

    private var phase = Phase.waiting
    private(set) var start = ClientCallStart()

    /// A message of the request, and whether its writer wants it compressed: another task may send it.
    private struct KeptMessage {
        var bytes: [UInt8]
        var isCompressed = MessageCompression.isEnabled
    }

    /// The request's messages, while they may be needed again.
    private var messages: [KeptMessage] = []
    private var bufferedBytes = 0
    private var isRequestFinished = false
    /// Whether the call is not made again.
    private var isCommitted = false

    /// Attempts beside that of the phase, while none has answered: hedges (gRFC A6).
    private var hedges: [Attempt] = []
    private var hedging = Hedging.waiting

    /// When the next hedge begins.
    private enum Hedging {
        /// The delay begins when the reader waits.
        case waiting
        case at(ContinuousClock.Instant)
        /// The server or the budget wants no more.
        case over
    }

    private(set) var attempts = 0
    private var unprocessed = 0
    /// When an answer began that has gone on.
    private var answeredAt: UInt64?
    /// The pauses between attempts, once there was one.
    private var backoff: Backoff?
    /// The instances that failed.
    private(set) var avoid: [String] = []
    /// The node of the last attempt.
    private(set) var lastNode: Node?

    // Made when a task waits, which is seldom.
    private var beginning: Promise<Void>?
    private var nextAttempt: Promise<Void>?
    private var end: Promise<Void>?

    // MARK: - The request

    /// Takes a message of the request, and keeps it as long as it may be needed again, up to a limit.
    ///
    /// - Throws: When the call has ended, or is committed to an attempt that takes no more messages: a writer that went on
    ///   would keep a thread from the reader.
    mutating func write(_ message: [UInt8], keeping limit: Int) throws(RPCError) -> WriteAction {
        switch phase {
        case .ended(let reason):
            throw reason ?? Self.ended
        case .attempted(let attempt):
            keep(message)
            if bufferedBytes > limit { commit() }
            if isCommitted, attempt.stream.hasWritingEnded { throw Self.ended }
            // Under the lock: so messages keep their order when the next attempt begins at the same time.
            attempt.stream.enqueue(.message(message))
            return .sent(attempt.stream)
        case .waiting, .placing:
            keep(message)
            if bufferedBytes <= limit { return .kept }
            let promise = nextAttempt ?? Promise()
            nextAttempt = promise
            return .full(promise)
        }
    }

    private mutating func keep(_ message: [UInt8]) {
        if isCommitted { return }
        messages.append(KeptMessage(bytes: message))
        bufferedBytes += message.count + Self.messageOverhead
    }

    mutating func finishRequest() {
        isRequestFinished = true
        if case .attempted(let attempt) = phase { attempt.stream.finish() }
    }

    // MARK: - The attempts

    /// Begins the call.
    ///
    /// - Returns: The promise of a reader that waits for it.
    mutating func begin(_ start: ClientCallStart) -> Promise<Void>? {
        guard case .waiting = phase else { return nil }
        phase = .placing
        self.start = start
        defer { beginning = nil }
        return beginning
    }

    /// Decides where the reader reads.
    ///
    /// - Throws: The reason of the end, if the caller's side ended the call.
    mutating func read() throws(RPCError) -> ReadAction {
        switch phase {
        case .waiting:
            let promise = beginning ?? Promise()
            beginning = promise
            return .wait(promise)
        case .placing: return .begin
        case .attempted(let attempt):
            return hedges.isEmpty ? .read(attempt.stream) : .race([attempt] + hedges)
        case .ended(let reason?): throw reason
        case .ended(nil): return .end
        }
    }

    /// Begins an attempt, with everything that was written so far.
    ///
    /// - Parameters:
    ///   - attempt: The attempt.
    ///   - headers: The attempt's headers, if they are others than the call's.
    ///   - limit: How many bytes of messages are kept.
    /// - Returns: The promise of a writer that waits for the attempt.
    /// - Throws: When the call has ended.
    mutating func begin(
        _ attempt: Attempt,
        _ headers: Metadata?,
        keeping limit: Int
    ) throws(RPCError) -> Promise<Void>? {
        if case .ended(let reason) = phase { throw reason ?? Self.cancelled }
        phase = .attempted(attempt)
        lastNode = attempt.pick.node
        send(on: attempt.stream, headers)
        if bufferedBytes > limit { commit() }
        defer { nextAttempt = nil }
        return nextAttempt
    }

    /// Sends everything that was written so far.
    private mutating func send(on stream: ClientStream, _ headers: Metadata?) {
        var headers = headers ?? start.headers
        if attempts > 0 { headers.addString("\(attempts)", forKey: "grpc-previous-rpc-attempts") }
        attempts += 1
        stream.enqueue(.metadata(headers))
        for message in messages {
            stream.enqueue(.message(message.bytes), isCompressed: message.isCompressed)
        }
        if isRequestFinished { stream.finish() }
    }

    // MARK: - Hedges

    /// The attempts that have no answer yet, and when another one is to begin beside them; `nil` for never.
    mutating func race(
        _ policy: RetryPolicy, _ delay: Duration, now: ContinuousClock.Instant
    ) -> (attempts: [Attempt], nextHedge: ContinuousClock.Instant?) {
        guard case .attempted(let attempt) = phase else { return ([], now) }
        let attempts = [attempt] + hedges
        guard !isCommitted, self.attempts < policy.attempts else { return (attempts, nil) }
        switch hedging {
        case .waiting:
            hedging = .at(now + delay)
            return (attempts, now + delay)
        case .at(let time): return (attempts, time)
        case .over: return (attempts, nil)
        }
    }

    /// Decides whether a hedge begins now. Its request must be complete: no writer has to wait for several streams.
    ///
    /// - Returns: The instances that it is to avoid; `nil` for no hedge now.
    mutating func nextHedge(
        _ policy: RetryPolicy, _ delay: Duration, now: ContinuousClock.Instant
    ) -> [String]? {
        guard case .attempted(let attempt) = phase, !isCommitted, attempts < policy.attempts else { return nil }
        if case .at = hedging { hedging = .at(now + delay) } else { return nil }
        guard isRequestFinished else { return nil }
        return avoid + ([attempt] + hedges).map(\.pick.node.instance.id)
    }

    /// There are no more hedges.
    mutating func endHedging() {
        hedging = .over
    }

    /// Begins a hedge.
    ///
    /// - Returns: Whether it has begun: not if the call has got an answer, or has ended.
    mutating func beginHedge(_ attempt: Attempt, _ headers: Metadata?) -> Bool {
        guard case .attempted = phase, !isCommitted else { return false }
        hedges.append(attempt)
        send(on: attempt.stream, headers)
        return true
    }

    /// An attempt has answered: the call is committed to it.
    ///
    /// - Returns: The other attempts, to be cancelled.
    mutating func won(by winner: Attempt) -> [Attempt] {
        commit()
        guard case .attempted(let attempt) = phase else { return [] }
        defer { hedges = [] }
        phase = .attempted(winner)
        lastNode = winner.pick.node
        return ([attempt] + hedges).filter { $0 !== winner }
    }

    /// One of several attempts has failed.
    ///
    /// - Returns: Whether the others go on. If not, the failure is that of the call: ``failed(_:now:_:isAnyReady:takeRetry:)`` decides.
    mutating func lost(
        _ loser: Attempt, _ failure: RPCError, _ policy: RetryPolicy, now: ContinuousClock.Instant = .now
    ) -> Bool {
        guard case .attempted(let attempt) = phase else { return false }
        let others = ([attempt] + hedges).filter { $0 !== loser }
        let isFatal = !(failure.cause is CallNotProcessed) && !failure.isRefusal && !policy.isRepeatable(failure)
        guard !isFatal, let first = others.first else {
            phase = .attempted(loser)
            hedges = others
            return false
        }
        phase = .attempted(first)
        hedges = Array(others.dropFirst())
        avoid.append(loser.pick.node.instance.id)
        switch (RetryPushback(failure.metadata), hedging) {
        case (.never, _), (_, .over): hedging = .over
        case (.after(let pause), _): hedging = .at(now + pause)
        case (.none, _): hedging = .at(now)
        }
        return true
    }

    /// The answer has begun: the call is committed to its attempt. If the answer goes on, its latency ends here.
    mutating func answered() {
        commit()
        guard case .attempted(let attempt) = phase, !attempt.stream.hasReadingEnded else { return }
        let now = NodeStatistics.now
        answeredAt = now
        attempt.pick.node.statistics.answered(attempt.pick.call, at: now)
    }

    /// From now on the call is not made again.
    mutating func commit() {
        isCommitted = true
        messages = []
        bufferedBytes = 0
    }

    /// Decides whether there is another attempt.
    ///
    /// - Parameters:
    ///   - failure: The error of the present attempt.
    ///   - now: The time.
    ///   - policy: When a call that may have been processed is made again.
    ///   - isAnyReady: Whether any node is ready but those of some instances.
    ///   - takeRetry: Takes a retry from the budget; asked last.
    /// - Returns: The next step.
    mutating func failed(
        _ failure: RPCError,
        now: ContinuousClock.Instant = .now,
        _ policy: RetryPolicy,
        isAnyReady: (_ besides: [String]) -> Bool,
        takeRetry: (RetryBudget.Reason) -> Bool
    ) -> FailureAction {
        switch phase {
        case .ended(let reason): return .fail(reason ?? failure)
        case .waiting, .placing: return .fail(failure)
        case .attempted(let attempt):
            let notProcessed = failure.cause as? CallNotProcessed
            let isUnprocessed = notProcessed != nil
            let id = attempt.pick.node.instance.id
            // The server that has refused the call wants a pause; another one does not know of it.
            let goesElsewhere =
                !isCommitted && failure.isRefusal && attempts < policy.attempts
                && isAnyReady(avoid.contains(id) ? avoid : avoid + [id])
            guard !isCommitted, isUnprocessed || goesElsewhere || policy.mayRepeat(failure, attempts: attempts) else {
                return .fail(failure)
            }
            let pushback = goesElsewhere ? .after(.zero) : RetryPushback(failure.metadata)
            guard let pause = pause(pushback, policy) else { return .fail(failure) }
            if let deadline = start.deadline, now + pause >= deadline { return .fail(failure) }
            if isUnprocessed {
                unprocessed += 1
                guard unprocessed <= Self.maximumUnprocessed else { return .fail(failure) }
                // gRFC A6: one is free. A fleet that refuses streams gets no more of them than one that refuses calls.
                if unprocessed > 1, notProcessed?.isRefusal == true, !takeRetry(.refusal) { return .fail(failure) }
            } else {
                guard takeRetry(failure.isRefusal ? .refusal : .failure) else { return .fail(failure) }
            }
            phase = .placing
            avoid.append(id)
            return .retry(attempt, after: pause)
        }
    }

    /// The pause before another attempt; `nil` if the server wants none.
    private mutating func pause(_ pushback: RetryPushback, _ policy: RetryPolicy) -> Duration? {
        var backoff = backoff ?? Backoff(policy.backoff)
        defer { self.backoff = backoff }
        switch pushback {
        case .never:
            return nil
        case .after(let pause):
            // The server knows when it is worth a try: the pauses grow from there anew.
            backoff.reset()
            return pause
        case .none:
            // The first retry is made at once: it goes to another node, and mostly only one node has the problem.
            return attempts == 1 ? .zero : backoff.next()
        }
    }

    // MARK: - The end

    /// Whether the stream decides how the call ends, whatever becomes of the request: the whole answer has come, or the
    /// stream takes no more messages. A stream that fails ends its writers before its reader, who gets the reason.
    var isDecided: Bool {
        guard case .attempted(let attempt) = phase else { return false }
        return isCommitted && (attempt.stream.hasReadingEnded || attempt.stream.hasWritingEnded)
    }

    /// The steps at the end of a call.
    struct EndAction {
        /// The attempt to end.
        var attempt: Attempt?
        /// When its answer began, if that has gone on.
        var answeredAt: UInt64?
        /// The attempts beside it, to be cancelled.
        var hedges: [Attempt] = []
        /// The promises to fail.
        var waiting: [Promise<Void>] = []
    }

    /// A promise that fails with the reason when the call ends.
    mutating func endSignal() throws(RPCError) -> Promise<Void> {
        if case .ended(let reason) = phase { throw reason ?? Self.cancelled }
        let promise = end ?? Promise()
        end = promise
        return promise
    }

    /// Ends the call, if it has not ended.
    mutating func end(_ reason: RPCError?) -> EndAction? {
        var ending = EndAction()
        switch phase {
        case .ended: return nil
        case .waiting, .placing: break
        case .attempted(let attempt): ending.attempt = attempt
        }
        phase = .ended(reason)
        ending.answeredAt = answeredAt
        ending.hedges = hedges
        hedges = []
        messages = []
        if let beginning { ending.waiting.append(beginning) }
        if let nextAttempt { ending.waiting.append(nextAttempt) }
        if let end { ending.waiting.append(end) }
        return ending
    }

    static let ended = RPCError(code: .cancelled, message: "the call has ended")
    private static let cancelled = RPCError(code: .cancelled, message: "the call was cancelled")
}
