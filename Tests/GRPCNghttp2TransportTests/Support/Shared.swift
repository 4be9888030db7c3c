import Synchronization

/// A value that the tasks of a test share.
final class Shared<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>

    init(_ value: Value) {
        self.mutex = Mutex(value)
    }

    var value: Value { self.mutex.withLock { $0 } }

    func update(_ change: @Sendable (inout Value) -> Void) {
        self.mutex.withLock { change(&$0) }
    }
}
