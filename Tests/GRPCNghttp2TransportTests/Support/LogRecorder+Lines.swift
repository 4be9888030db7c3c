import Logging
import ServiceKitTesting

@testable import ServiceKitHTTP2

extension LogRecorder {
    /// A log line with its metadata as text.
    struct Line: Sendable {
        let level: Logger.Level
        let message: String
        let metadata: [String: String]
    }

    var lines: [Line] {
        entries.map { Line(level: $0.level, message: $0.message, metadata: $0.metadata.mapValues { "\($0)" }) }
    }

    /// The lines at warning and above, without the report that an event loop was held up: that report depends on
    /// wall-clock time, and comes on a busy machine in any test.
    var warnings: [Line] {
        lines.filter { $0.level >= .warning && $0.metadata["limit"] != Limit.loopTime.rawValue }
    }
}
