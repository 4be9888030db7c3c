import Logging
import Synchronization

/// What was logged.
final class LogRecording: Sendable {
    struct Line: Sendable {
        var level: Logger.Level
        var message: String
        var metadata: [String: String]
    }

    private let recorded = Mutex<[Line]>([])

    var lines: [Line] { self.recorded.withLock { $0 } }

    var warnings: [Line] { self.lines.filter { $0.level >= .warning } }

    /// A logger whose lines end up here, those of all levels.
    var logger: Logger {
        var logger = Logger(label: "test") { _ in Handler(recording: self) }
        logger.logLevel = .trace
        return logger
    }

    private struct Handler: LogHandler {
        let recording: LogRecording
        var logLevel = Logger.Level.trace
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { self.metadata[key] }
            set { self.metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let metadata = (event.metadata ?? [:]).mapValues { "\($0)" }
            self.recording.recorded.withLock {
                $0.append(Line(level: event.level, message: "\(event.message)", metadata: metadata))
            }
        }
    }
}
