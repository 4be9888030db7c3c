import Logging
import Synchronization

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// What was logged.
final class LogRecording: Sendable {
    struct Line: Sendable {
        var level: Logger.Level
        var message: String
        var metadata: [String: String]
    }

    private let recorded = Mutex<[Line]>([])

    var lines: [Line] { self.recorded.withLock { $0 } }

    /// Those lines that warn. That an event loop was held up is not among them: it is measured by the clock on the
    /// wall, so that it comes on a busy machine whatever the test does.
    var warnings: [Line] {
        self.lines.filter { $0.level >= .warning && $0.metadata["limit"] != Limit.loopTime.rawValue }
    }

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
