public import Logging
import ServiceKit

/// Records log messages for a test.
public struct LogRecorder: Sendable {
    /// One message.
    public struct Entry: Sendable, CustomStringConvertible {
        /// The level.
        public let level: Logger.Level
        /// The text.
        public let message: String
        /// The metadata.
        public let metadata: Logger.Metadata

        /// The message on one line, with the metadata sorted by key.
        public var description: String {
            let values = metadata.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
            return "\(level): \(message)" + values.joined()
        }
    }

    private let recorded = Watched<[Entry]>([])

    /// Creates an empty recorder.
    public init() {}

    /// The recorded messages, the oldest first.
    public var entries: [Entry] { recorded.value }

    /// Waits for a message that satisfies a condition. Messages that were recorded before count too.
    ///
    /// - Parameters:
    ///   - count: The number of the message among those that satisfy the condition. Default: 1, the first.
    ///   - condition: The condition.
    /// - Returns: The message; `nil` when the task is cancelled.
    public func first(_ count: Int = 1, where condition: @Sendable (Entry) -> Bool) async -> Entry? {
        for await entries in recorded.values {
            let matching = entries.filter(condition)
            if matching.count >= count { return matching[count - 1] }
        }
        return nil
    }

    /// A logger that records here, at level `trace` and above.
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
