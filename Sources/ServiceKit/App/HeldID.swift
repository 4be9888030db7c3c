/// An id that somebody else holds: by an owner that lives, or by one that has crashed, whose entry ends by itself.
///
/// Which of both it is shows when the entry does not come nearer to its end: then somebody renews it.
struct HeldID {
    /// How long the entry had to live when it was first seen.
    private var remaining: Duration?
    /// How long was waited since, at least.
    private var waited = Duration.zero

    /// Registries count in whole seconds.
    private static let precision = Duration.seconds(1)

    /// Whether it has not been waited for yet.
    var isNew: Bool { remaining == nil }

    /// Looks at a refusal that trying again does not mend.
    ///
    /// - Returns: The error of registering; `nil` when the entry may end by itself, and the id is to be tried again.
    mutating func failure(after error: RegistryError) -> RegistryError? {
        guard error.code == .alreadyRegistered, let left = error.endsWithin else { return error }
        guard let remaining else {
            remaining = left
            return nil
        }
        guard left + waited > remaining + Self.precision else { return nil }
        var failure = error
        failure.endsWithin = nil
        failure.message += "; its owner lives: it has renewed its entry in the last \(waited)"
        return failure
    }

    /// It is tried again after a pause.
    mutating func waits(_ pause: Duration) {
        waited += pause
    }
}
