private import Synchronization

/// A value that any task can read at any time, and whose changes any task can follow.
///
/// A slow reader skips to the latest value, so nothing is buffered. Safe to use from any task.
public final class Watched<Value: Sendable>: Sendable {
    private struct State {
        var value: Value
        /// Counts the changes. A reader compares it with the last version that it has seen.
        var version: UInt64 = 1
        var isFinished = false
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter: UInt64 = 0

        mutating func takeWaiters() -> [CheckedContinuation<Void, Never>] {
            defer { waiters = [:] }
            return Array(waiters.values)
        }
    }

    private let state: Mutex<State>

    /// Creates a watched value.
    public init(_ value: Value) {
        state = Mutex(State(value: value))
    }

    /// The current value.
    public var value: Value { state.withLock(\.value) }

    /// Sets the value and wakes its readers.
    public func set(_ value: Value) {
        update { $0 = value }
    }

    /// Changes the value in place, wakes its readers, and returns the result of the body. If the body throws, the
    /// changes that it made before stay.
    @discardableResult
    public func update<Result: Sendable, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var waiters: [CheckedContinuation<Void, Never>] = []
        defer { for waiter in waiters { waiter.resume() } }
        return try state.withLock { state throws(Failure) in
            defer {
                state.version += 1
                waiters = state.takeWaiters()
            }
            return try body(&state.value)
        }
    }

    /// Ends the readers' sequences after the latest value.
    public func finish() {
        let waiters = state.withLock { state in
            state.isFinished = true
            return state.takeWaiters()
        }
        for waiter in waiters { waiter.resume() }
    }

    /// The current value and each later one. The sequence ends with ``finish()``, or when the reading task is
    /// cancelled.
    public var values: Values { Values(watched: self) }

    /// Waits until the value satisfies a condition, and returns it; `nil` when the task was cancelled, or the value
    /// finished before.
    public func first(where condition: (Value) -> Bool) async -> Value? {
        for await value in values where condition(value) { return value }
        return nil
    }

    /// The values of a ``Watched``, beginning with the current one.
    public struct Values: AsyncSequence, Sendable {
        /// Reading a value never fails.
        public typealias Failure = Never
        fileprivate let watched: Watched<Value>

        /// Starts with the current value.
        public func makeAsyncIterator() -> Iterator {
            Iterator(watched: watched)
        }

        /// Reads the values.
        public struct Iterator: AsyncIteratorProtocol {
            fileprivate let watched: Watched<Value>
            private var seen: UInt64 = 0

            fileprivate init(watched: Watched<Value>) {
                self.watched = watched
            }

            /// Waits for a value that this iterator has not returned, and returns the latest.
            public mutating func next(isolation actor: isolated (any Actor)?) async -> Value? {
                while !Task.isCancelled {
                    switch watched.poll(after: seen) {
                    case .value(let value, let version):
                        seen = version
                        return value
                    case .finished:
                        return nil
                    case .unchanged:
                        await watched.waitForChange(after: seen, isolation: actor)
                    }
                }
                return nil
            }
        }
    }

    private enum Poll {
        case value(Value, version: UInt64)
        case finished
        case unchanged
    }

    private func poll(after seen: UInt64) -> Poll {
        state.withLock { state in
            if state.version > seen { return .value(state.value, version: state.version) }
            return state.isFinished ? .finished : .unchanged
        }
    }

    private func waitForChange(after seen: UInt64, isolation: isolated (any Actor)?) async {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation(isolation: isolation) { continuation in
                let resumeNow = state.withLock { state in
                    if state.version > seen || state.isFinished || Task.isCancelled { return true }
                    state.waiters[id] = continuation
                    return false
                }
                if resumeNow { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }
}

extension Watched where Value: Equatable {
    /// Sets the last value. The readers' sequences end after it.
    func finish(with value: Value) {
        setIfChanged(value)
        finish()
    }

    /// Sets the value, unless it is the same. Returns whether the value changed.
    @discardableResult
    package func setIfChanged(_ value: Value) -> Bool {
        let waiters: [CheckedContinuation<Void, Never>]? = state.withLock { state in
            guard state.value != value else { return nil }
            state.value = value
            state.version += 1
            return state.takeWaiters()
        }
        for waiter in waiters ?? [] { waiter.resume() }
        return waiters != nil
    }
}
