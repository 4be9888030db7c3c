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

    private let made = AtomicLazyReference<Made>()
    private let make: @Sendable () -> Value

    /// - Parameter make: Makes the value. Readers that come first at the same time may each call it; one value counts.
    init(_ make: @escaping @Sendable () -> Value) {
        self.make = make
    }

    /// The value.
    var value: Value { (made.load() ?? made.storeIfNil(Made(make()))).value }
}
