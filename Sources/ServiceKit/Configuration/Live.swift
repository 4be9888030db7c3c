internal import ServiceKitConfig
private import Synchronization

/// A section or a value of the configuration that follows changes: its value now, and every later one.
///
/// ```swift
/// let limit = try app.live(RateLimit.self, at: "rate-limit")
/// limit.value.callsPerSecond
/// for await limit in limit { apply(limit) }
/// ```
///
/// As a sequence it has the current value and each change of this section; a slow reader skips to the latest. It ends when
/// the reading task is cancelled. All sections change in one step: a reader that has seen a new value of one section finds
/// no older value of another.
public final class Live<Value: Decodable & Equatable & Sendable>: AsyncSequence, Sendable {
    /// Reading a value never fails.
    public typealias Failure = Never
    /// Waits for the section's changes.
    public typealias AsyncIterator = Watched<Value>.Values.Iterator

    private let watched: Watched<Value>
    private let step: SectionStep
    private let path: String

    init(_ value: Value, at path: String, step: SectionStep) {
        watched = Watched(value)
        self.step = step
        self.path = path
    }

    /// The value now. It takes a lock: code that needs it for each call follows the sequence and keeps a copy.
    public var value: Value { step.reading { watched.value } }

    /// Starts with the current value.
    public func makeAsyncIterator() -> AsyncIterator { watched.values.makeAsyncIterator() }
}

/// The step in which all sections of a store get their new values.
final class SectionStep: Sendable {
    private let lock = Mutex(())

    func perform(_ changes: [@Sendable () -> Void]) {
        lock.withLock { _ in for change in changes { change() } }
    }

    /// Reads while no section changes.
    func reading<Result: Sendable>(_ body: () -> Result) -> Result {
        lock.withLock { _ in body() }
    }
}

/// A ``Live`` of any type, for the store.
protocol LiveSection: Sendable {
    /// Reads the section from a new configuration. Returns the step that takes the value over. Throws
    /// `ConfigurationError` when the section is wrong.
    func prepare(_ configuration: Configuration) throws(ConfigurationError) -> @Sendable () -> Void
}

extension Live: LiveSection {
    func prepare(_ configuration: Configuration) throws(ConfigurationError) -> @Sendable () -> Void {
        let value = try configuration.decode(Value.self, at: path)
        return { self.watched.setIfChanged(value) }
    }
}
