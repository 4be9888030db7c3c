internal import ServiceKitConcurrency

/// The failed attempts since the registry last held an instance: the pause before the next one, and whether a failure
/// has a new cause.
struct RegistrationAttempts {
    /// The pause while an entry may end by itself.
    private static let heldPause = Duration.milliseconds(500)
    /// The bound of the first pause after the registry was away, when others have as much to put back.
    private static let afterOutage = Duration.seconds(1)

    struct Failure {
        /// The failure, judged by ``HeldID``.
        let cause: RegistryError
        let pause: Duration
        /// Whether it is another kind of failure than the last.
        let isNew: Bool
    }

    private var backoff = Backoff()
    private var held = HeldID()
    private var last: RegistryError?

    /// The registry has lost the instance after it held it for some time. Returns the pause before it is put back.
    mutating func lost(_ loss: RegistryError, heldFor time: Duration) -> Duration {
        held = HeldID()
        last = nil
        if loss.code != .lost {
            backoff = Backoff(base: Self.afterOutage)
        } else if time >= backoff.maximum {
            // Sooner, it may be lost again and again: then it is put back less and less often.
            backoff = Backoff()
        }
        return backoff.next()
    }

    mutating func failed(_ error: RegistryError) -> Failure {
        let cause = held.judged(error)
        defer { last = cause }
        return Failure(
            cause: cause,
            pause: cause.endsWithin == nil ? backoff.next() : Self.heldPause,
            isNew: cause.code != last?.code || cause.isPermanent != last?.isPermanent
        )
    }

    /// A pause has passed in full.
    mutating func waited(_ pause: Duration) {
        held.waits(pause)
    }
}
