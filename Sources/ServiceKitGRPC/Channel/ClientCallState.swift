internal import GRPCCore
internal import GRPCNghttp2Transport
internal import ServiceKit
internal import ServiceKitConcurrency

/// What a call begins with.
struct ClientCallStart: Sendable {
    var headers: Metadata = [:]
    /// The time by which the call must have ended.
    var deadline: ContinuousClock.Instant?
    /// Middleware of each attempt.
    var attemptBegins: [Call.AttemptBegin] = []
}

/// The states of a ``ClientCall``, to be kept under its lock. What its functions return is to be done outside of it.
struct ClientCallState: ~Copyable {
    private enum Phase {
        /// There is no attempt: before the first one, and between two.
        case placing
        case attempted(Attempt)
        /// With the reason when the caller's side ended it.
        case ended(RPCError?)
    }

    /// What there is to be done with a message that was written.
    enum Admission {
        /// An attempt has it; wait for room in the stream.
        case sent(ClientStream)
        /// It is kept for the next attempt.
        case kept
        /// It is kept, and there is no room for more before an attempt begins.
        case full(Promise<Void>)
    }

    /// Where the response is to be read.
    enum Reading {
        /// An attempt is to be begun first.
        case beginning
        case stream(ClientStream)
        /// It was read to its end.
        case nothing
    }

    /// What there is to be done about a failure.
    enum Verdict {
        case failed(RPCError)
        /// Another attempt is made after a pause; this one is over.
        case repeated(Attempt, after: Duration)
    }

    /// What a message takes beside its bytes, about: many small ones are to be bounded as well.
    private static let messageOverhead = 64

    /// How often a call is made again that nobody has begun to process.
    private static let maximumUnprocessed = 10

    private var phase = Phase.placing
    var start = ClientCallStart()

    /// The request's messages, while they may be needed again.
    private var messages: [[UInt8]] = []
    private var bufferedBytes = 0
    private var isRequestFinished = false
    /// Whether the call is not made again.
    private var isCommitted = false

    private(set) var attempts = 0
    private var unprocessed = 0
    private var backoff = Backoff(base: .milliseconds(20), maximum: .seconds(1))
    /// The instances that failed.
    private(set) var avoid: [String] = []
    /// The instance of the last attempt.
    private(set) var lastInstance: ServiceInstance?

    // Made when somebody waits, which is seldom.
    private var nextAttempt: Promise<Void>?
    private var end: Promise<Void>?

    // MARK: - The request

    /// Takes a message of the request; kept up to a limit for as long as it may be needed again.
    ///
    /// - Throws: When the call has ended, or the attempt that it is committed to takes nothing any more: a writer that
    ///   went on would keep a thread from the reader.
    mutating func write(_ message: [UInt8], keeping limit: Int) throws(RPCError) -> Admission {
        switch phase {
        case .ended(let reason):
            throw reason ?? Self.ended
        case .attempted(let attempt):
            keep(message)
            if bufferedBytes > limit { commit() }
            if isCommitted, attempt.stream.hasWritingEnded { throw Self.ended }
            // Under the lock, so that messages keep their order when the next attempt begins at the same time.
            attempt.stream.enqueue(.message(message))
            return .sent(attempt.stream)
        case .placing:
            keep(message)
            if bufferedBytes <= limit { return .kept }
            let promise = nextAttempt ?? Promise()
            nextAttempt = promise
            return .full(promise)
        }
    }

    private mutating func keep(_ message: [UInt8]) {
        if isCommitted { return }
        messages.append(message)
        bufferedBytes += message.count + Self.messageOverhead
    }

    mutating func finishRequest() {
        isRequestFinished = true
        if case .attempted(let attempt) = phase { attempt.stream.finish() }
    }

    // MARK: - The attempts

    /// Where the reader reads.
    ///
    /// - Throws: Why the call has ended, if the caller's side ended it.
    func reading() throws(RPCError) -> Reading {
        switch phase {
        case .placing: return .beginning
        case .attempted(let attempt): return .stream(attempt.stream)
        case .ended(let reason?): throw reason
        case .ended(nil): return .nothing
        }
    }

    /// Begins an attempt, with all that was written so far.
    ///
    /// - Returns: Who waits for it.
    /// - Throws: When the call has ended.
    mutating func begin(
        _ attempt: Attempt,
        _ headers: Metadata,
        keeping limit: Int
    ) throws(RPCError) -> Promise<Void>? {
        if case .ended(let reason) = phase { throw reason ?? Self.cancelled }
        phase = .attempted(attempt)
        lastInstance = attempt.node.instance
        var headers = headers
        if attempts > 0 { headers.addString("\(attempts)", forKey: "grpc-previous-rpc-attempts") }
        attempts += 1
        attempt.stream.enqueue(.metadata(headers))
        for message in messages { attempt.stream.enqueue(.message(message)) }
        if isRequestFinished { attempt.stream.finish() }
        if bufferedBytes > limit { commit() }
        defer { nextAttempt = nil }
        return nextAttempt
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
    ///   - failure: What the present one failed with.
    ///   - now: The time.
    ///   - mayRepeat: Whether a call that may have been processed is made again after so many attempts; asked last.
    /// - Returns: What is to be done.
    mutating func failed(
        _ failure: RPCError,
        now: ContinuousClock.Instant = .now,
        mayRepeat: (_ attempts: Int) -> Bool
    ) -> Verdict {
        switch phase {
        case .ended(let reason): return .failed(reason ?? failure)
        case .placing: return .failed(failure)
        case .attempted(let attempt):
            let isUnprocessed = failure.cause is CallNotProcessed
            guard !isCommitted, isUnprocessed || failure.code == .unavailable else { return .failed(failure) }
            // The first retry is made at once: it goes to another node, and mostly it is one node that has the problem.
            let pause = attempts == 1 ? .zero : backoff.next()
            if let deadline = start.deadline, now + pause >= deadline { return .failed(failure) }
            if isUnprocessed {
                unprocessed += 1
                guard unprocessed <= Self.maximumUnprocessed else { return .failed(failure) }
            } else {
                guard mayRepeat(attempts) else { return .failed(failure) }
            }
            phase = .placing
            avoid.append(attempt.node.instance.id)
            return .repeated(attempt, after: pause)
        }
    }

    // MARK: - The end

    /// Whether the answer is there, for the reader to take: the server needs nothing more of the request.
    var isAnswered: Bool {
        guard case .attempted(let attempt) = phase else { return false }
        return isCommitted && attempt.stream.hasReadingEnded
    }

    /// What there is to be done at the end.
    struct Ending {
        var attempt: Attempt?
        /// To be failed.
        var waiting: [Promise<Void>] = []
    }

    /// Resolved with the reason when the call ends.
    mutating func endSignal() throws(RPCError) -> Promise<Void> {
        if case .ended(let reason) = phase { throw reason ?? Self.cancelled }
        let promise = end ?? Promise()
        end = promise
        return promise
    }

    /// Ends the call, if it has not ended.
    mutating func end(_ reason: RPCError?) -> Ending? {
        var ending = Ending(waiting: [nextAttempt, end].compactMap(\.self))
        switch phase {
        case .ended: return nil
        case .placing: break
        case .attempted(let attempt): ending.attempt = attempt
        }
        phase = .ended(reason)
        messages = []
        nextAttempt = nil
        end = nil
        return ending
    }

    static let ended = RPCError(code: .cancelled, message: "the call has ended")
    private static let cancelled = RPCError(code: .cancelled, message: "the call was cancelled")
}
