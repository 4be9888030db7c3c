public import Logging
import ServiceKit

/// Keeps what is logged, for a test to look at.
public struct LogRecorder: Sendable {
    /// One message.
    public struct Entry: Sendable, CustomStringConvertible {
        /// How grave it is.
        public let level: Logger.Level
        /// The text.
        public let message: String
        /// What goes with it.
        public let metadata: Logger.Metadata

        /// All in one line, the metadata sorted by key.
        public var description: String {
            let values = metadata.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
            return "\(level): \(message)" + values.joined()
        }
    }

    private let recorded = Watched<[Entry]>([])

    /// Starts with nothing recorded.
    public init() {}

    /// What was logged so far, the oldest first.
    public var entries: [Entry] { recorded.value }

    /// Waits until a message is logged that satisfies a condition, or takes one that was.
    ///
    /// - Parameters:
    ///   - count: Which of those that satisfy it, by default the first.
    ///   - condition: What is waited for.
    /// - Returns: The message; `nil` when the task is cancelled.
    public func first(_ count: Int = 1, where condition: @Sendable (Entry) -> Bool) async -> Entry? {
        for await entries in recorded.values {
            let matching = entries.filter(condition)
            if matching.count >= count { return matching[count - 1] }
        }
        return nil
    }

    /// A logger that records here, from `trace` up.
    public func logger(_ label: String = "test") -> Logger {
        Logger(label: label) { [recorded] _ in Handler(recorded: recorded) }
    }

    private struct Handler: LogHandler {
        let recorded: Watched<[Entry]>
        var logLevel = Logger.Level.trace
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { $1 }
            let entry = Entry(level: event.level, message: event.message.description, metadata: all)
            recorded.update { $0.append(entry) }
        }
    }
}
