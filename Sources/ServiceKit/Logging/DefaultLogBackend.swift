internal import Logging

/// The backend that swift-log has as long as none was bootstrapped: it writes to standard error where the line is logged,
/// and so stops a service whose standard error nobody reads.
enum DefaultLogBackend {
    /// Has the loggers that are made from now on use ``QueuedLogHandler``, unless another backend was bootstrapped.
    ///
    /// swift-log does not tell whether one was, and ends the process when one is bootstrapped for the second time. So its
    /// own `StreamLogHandler`, as it is by default, is taken for the default.
    static func replace() { replacement }

    // Once in a process.
    private static let replacement: Void = {
        if isInPlace { LoggingSystem.bootstrap(QueuedLogHandler.standardError) }
    }()

    /// A logger that does not use the default backend.
    static func logger(label: String) -> Logger {
        isInPlace ? Logger(label: label) { QueuedLogHandler.standardError(label: $0) } : Logger(label: label)
    }

    private static var isInPlace: Bool {
        guard let handler = Logger(label: "").handler as? StreamLogHandler else { return false }
        return handler.logLevel == .info && handler.metadata.isEmpty && handler.metadataProvider == nil
    }
}
