internal import Logging

/// swift-log's default backend. It writes each line to standard error at once. So it stops a service whose standard
/// error is a pipe that nobody empties.
enum DefaultLogBackend {
    /// Makes all later loggers use ``QueuedLogHandler``, at the levels of the configuration, unless another backend was bootstrapped. swift-log does not
    /// tell whether a backend was bootstrapped, and ends the process at a second bootstrap. So a logger with
    /// swift-log's own `StreamLogHandler` and its default settings counts as the default.
    static func replace() { replacement }

    // Runs once in a process.
    private static let replacement: Void = {
        if isInPlace {
            LoggingSystem.bootstrap { LeveledLogHandler(QueuedLogHandler.standardError(label: $0), label: $0) }
        }
    }()

    /// A logger that bypasses the default backend.
    static func logger(label: String) -> Logger {
        isInPlace ? Logger(label: label) { QueuedLogHandler.standardError(label: $0) } : Logger(label: label)
    }

    private static var isInPlace: Bool {
        guard let handler = Logger(label: "").handler as? StreamLogHandler else { return false }
        return handler.logLevel == .info && handler.metadata.isEmpty && handler.metadataProvider == nil
    }
}
