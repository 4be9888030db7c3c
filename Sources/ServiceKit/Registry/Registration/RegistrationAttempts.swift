internal import ServiceKitConcurrency

/// The failed attempts since the registry last held an instance: how long to wait for the next, and what is new about a
/// failure.
struct RegistrationAttempts {
    /// The pause while an entry may end by itself.
    private static let heldPause = Duration.milliseconds(500)
    /// The bound of the first pause after the registry was away, when others have as much to put back.
    private static let afterOutage = Duration.seconds(1)

    /// A failed attempt.
    struct Failure {
        /// The failure, judged by ``HeldID``.
        let cause: RegistryError
        /// The pause before the next attempt.
        let pause: Duration
        /// Whether it is another kind of failure than the last.
        let isNew: Bool
    }

    private var backoff: Backoff
    private var held = HeldID()
    private var last: RegistryError?

    /// The attempts at a first registration.
    init() {
        backoff = Backoff()
    }

    /// The attempts to put an instance back.
    init(after loss: RegistryError) {
        backoff = loss.code == .lost ? Backoff() : Backoff(base: Self.afterOutage)
    }

    mutating func pause() -> Duration { backoff.next() }

    /// An attempt has failed.
    mutating func failed(_ error: RegistryError) -> Failure {
        let cause = held.judged(error)
        defer { last = cause }
        return Failure(
            cause: cause,
            pause: cause.endsWithin == nil ? pause() : Self.heldPause,
            isNew: cause.code != last?.code || cause.isPermanent != last?.isPermanent
        )
    }

    /// A pause has passed in full.
    mutating func waited(_ pause: Duration) {
        held.waits(pause)
    }
}
