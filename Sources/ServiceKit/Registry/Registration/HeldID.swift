/// An id that somebody else holds: a living owner, or a crashed one whose entry ends by itself.
///
/// The entry's remaining time tells which: if it does not shrink, somebody renews the entry.
struct HeldID {
    /// How long the entry had to live when it was first seen.
    private var remaining: Duration?
    /// How long was waited since, at least.
    private var waited = Duration.zero
    /// How long the owner had taken at most when it was seen to renew the entry.
    private var renewedWithin: Duration?

    /// Registries count in whole seconds.
    private static let precision = Duration.seconds(1)

    /// Judges the failure of an attempt, and returns the failure to report. ``RegistryError/endsWithin`` is left in it
    /// only while the entry may end by itself.
    mutating func judged(_ error: RegistryError) -> RegistryError {
        guard error.code == .alreadyRegistered, let left = error.endsWithin else {
            var error = error
            error.endsWithin = nil
            return error
        }
        guard let remaining else {
            remaining = left
            return error
        }
        if renewedWithin == nil, left + waited > remaining + Self.precision { renewedWithin = waited }
        guard let renewedWithin else { return error }
        var failure = error
        failure.endsWithin = nil
        failure.message += "; its owner lives: it has renewed its entry in the last \(renewedWithin)"
        return failure
    }

    /// Takes note of a pause between two attempts.
    mutating func waits(_ pause: Duration) {
        waited += pause
    }
}
