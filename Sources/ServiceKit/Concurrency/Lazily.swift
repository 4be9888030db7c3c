private import Synchronization

/// A value that is made when it is first needed, such as one that depends on what the program bootstraps after this object
/// is made. Reading it takes no lock.
final class Lazily<Value: Sendable>: Sendable {
    private final class Made: Sendable {
        let value: Value

        init(_ value: Value) {
            self.value = value
        }
    }

    // The program pays for each use of an `AtomicLazyReference` in a generic class: its metadata is looked up.
    private let made = Atomic<Unmanaged<Made>?>(nil)
    private let make: @Sendable () -> Value

    /// - Parameter make: Makes the value. Readers that come first at the same time may each call it; one value counts.
    init(_ make: @escaping @Sendable () -> Value) {
        self.make = make
    }

    /// The value.
    var value: Value {
        // Alive as long as this object: only `deinit` releases it.
        if let made = made.load(ordering: .acquiring) { return made._withUnsafeGuaranteedRef(\.value) }
        let new = Unmanaged.passRetained(Made(make()))
        let (isStored, other) = made.compareExchange(
            expected: nil, desired: new, ordering: .acquiringAndReleasing)
        guard !isStored, let other else { return new.takeUnretainedValue().value }
        new.release()
        return other.takeUnretainedValue().value
    }

    deinit { made.load(ordering: .acquiring)?.release() }
}
