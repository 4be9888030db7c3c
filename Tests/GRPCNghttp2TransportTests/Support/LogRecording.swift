import Logging
import Synchronization

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// Records log lines.
final class LogRecording: Sendable {
    struct Line: Sendable {
        var level: Logger.Level
        var message: String
        var metadata: [String: String]
    }

    private let recorded = Mutex<[Line]>([])

    var lines: [Line] { self.recorded.withLock { $0 } }

    /// The lines at warning and above, without the report that an event loop was held up: that report depends on
    /// wall-clock time, and comes on a busy machine in any test.
    var warnings: [Line] {
        self.lines.filter { $0.level >= .warning && $0.metadata["limit"] != Limit.loopTime.rawValue }
    }

    /// A logger whose lines of all levels are recorded here.
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
