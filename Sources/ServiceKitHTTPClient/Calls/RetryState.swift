internal import ServiceKit
internal import ServiceKitConcurrency
internal import ServiceKitGRPC

/// Decides whether a failed call is made again, as the retries of a `ServiceChannel` do.
struct RetryState {
    /// How often a call is made again after instances that have not begun to process it.
    private static let maximumUnprocessed = 10
    /// A longer pause that the server asks for means that the call is not made again.
    private static let longestPause = Duration.seconds(60)

    let policy: RetryPolicy
    private let isBodyRepeatable: Bool
    private var backoff: Backoff
    private var unprocessed = 0
    /// The number of attempts made.
    private(set) var attempts = 0
    /// The instances that failed.
    private(set) var avoid: [String] = []

    /// - Parameters:
    ///   - policy: The policy of the operation.
    ///   - isIdempotent: Whether the method of HTTP is idempotent.
    ///   - isBodyRepeatable: Whether the body can be sent again.
    init(_ policy: RetryPolicy, isIdempotent: Bool, isBodyRepeatable: Bool) {
        var policy = policy
        if isIdempotent { policy.isIdempotent = true }
        self.policy = policy
        self.isBodyRepeatable = isBodyRepeatable
        backoff = Backoff(policy.backoff)
    }

    /// How long an attempt has no answer before another is made beside it; `nil` for no hedging.
    var hedgingDelay: Duration? { isBodyRepeatable ? policy.hedgingDelay : nil }

    /// Whether another attempt can be made beside those under way.
    var mayHedge: Bool { attempts < policy.attempts }

    /// Whether the other attempts of a call go on after the failure of one.
    mutating func othersGoOn(after judgement: Judgement, on attempt: HTTPAttempt) -> Bool {
        guard !judgement.wasSent || judgement.isRefusal || policy.isRepeatable(judgement.status) else { return false }
        avoid.append(attempt.pick.node.instance.id)
        return true
    }

    /// An attempt begins.
    mutating func begin() { attempts += 1 }

    /// Takes the failure of an attempt.
    ///
    /// - Parameters:
    ///   - id: The instance.
    ///   - status: The status.
    ///   - wasSent: Whether the instance may have begun to process the call.
    ///   - goesElsewhere: Whether an overloaded instance has refused the call, and there is another one.
    ///   - retryAfter: The pause that the server asks for.
    ///   - deadline: The call's deadline.
    ///   - takeRetry: Takes a retry from the budget; asked last.
    /// - Returns: The pause before the next attempt; `nil` if there is none.
    mutating func failed(
        on id: String,
        _ status: CallStatus,
        wasSent: Bool,
        goesElsewhere: Bool = false,
        retryAfter: Duration? = nil,
        deadline: ContinuousClock.Instant?,
        takeRetry: (RetryBudget.Reason) -> Bool
    ) -> Duration? {
        let mayRepeat = goesElsewhere || policy.isRepeatable(status)
        guard !wasSent || isBodyRepeatable && attempts < policy.attempts && mayRepeat else { return nil }
        // The first retry is made at once, as it goes to another instance.
        let pause = goesElsewhere ? .zero : retryAfter ?? (avoid.isEmpty ? .zero : backoff.next())
        if pause > Self.longestPause { return nil }
        if let deadline, .now + pause >= deadline { return nil }
        if wasSent {
            guard takeRetry(goesElsewhere ? .refusal : .failure) else { return nil }
        } else {
            unprocessed += 1
            guard unprocessed <= Self.maximumUnprocessed else { return nil }
        }
        avoid.append(id)
        return pause
    }
}
