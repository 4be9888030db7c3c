public import Logging

/// A backend of swift-log that never delays its callers: it puts lines into a bounded queue, and a thread of its own
/// writes them.
///
/// If the main calls ``App/run(plugins:arguments:bootstrapsLogging:_:)``, every logger of the process uses this
/// backend, unless the main has bootstrapped another. A main that does not call it, or that has a metadata provider,
/// bootstraps the backend itself:
///
/// ```swift
/// LoggingSystem.bootstrap(QueuedLogHandler.standardError, metadataProvider: provider)
/// ```
///
/// Lines have the format of swift-log's `StreamLogHandler`. If a pipe is not emptied, a terminal is paused or a disk is
/// full, up to 1 MiB or 8,192 lines wait. Further lines are dropped until half of that is free again. A warning in
/// their place gives their number: `dropped=1234`. At the end of the process the waiting lines are still written, for
/// one second at most. A process that crashes loses the waiting lines, mostly those of its last few milliseconds.
///
/// All loggers share one queue for standard error and one for standard output.
public struct QueuedLogHandler: LogHandler {
    /// The least severe level that is logged. Default: `info`.
    public var logLevel = Logger.Level.info
    /// The metadata of every line.
    public var metadata: Logger.Metadata = [:]
    /// The source of further metadata. It is asked for each line.
    public var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let writer: OutputWriter

    init(label: String, metadataProvider: Logger.MetadataProvider?, writer: OutputWriter) {
        self.label = label
        self.metadataProvider = metadataProvider
        self.writer = writer
    }

    /// Logs to standard error, with the metadata provider that was bootstrapped.
    public static func standardError(label: String) -> QueuedLogHandler {
        standardError(label: label, metadataProvider: LoggingSystem.metadataProvider)
    }

    /// Logs to standard error.
    public static func standardError(label: String, metadataProvider: Logger.MetadataProvider?) -> QueuedLogHandler {
        QueuedLogHandler(label: label, metadataProvider: metadataProvider, writer: .standardError)
    }

    /// Logs to standard output, with the metadata provider that was bootstrapped.
    public static func standardOutput(label: String) -> QueuedLogHandler {
        standardOutput(label: label, metadataProvider: LoggingSystem.metadataProvider)
    }

    /// Logs to standard output.
    public static func standardOutput(label: String, metadataProvider: Logger.MetadataProvider?) -> QueuedLogHandler {
        QueuedLogHandler(label: label, metadataProvider: metadataProvider, writer: .standardOutput)
    }

    /// A value of ``metadata``.
    public subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Queues the line of an event. A value of the event replaces the provider's; the provider's replaces the
    /// handler's.
    public func log(event: LogEvent) {
        writer.write(LogLine.text(event, label: label, metadata: metadata(of: event)))
    }

    private func metadata(of event: LogEvent) -> Logger.Metadata {
        var result = metadata
        if let provided = metadataProvider?.get(), !provided.isEmpty { result.add(provided) }
        if let explicit = event.metadata { result.add(explicit) }
        if let error = event.error {
            result["error.message"] = "\(error)"
            result["error.type"] = "\(String(reflecting: type(of: error)))"
        }
        return result
    }
}

extension Logger.Metadata {
    /// Adds values. They replace the values of the same keys.
    fileprivate mutating func add(_ other: Logger.Metadata) {
        if isEmpty { self = other } else { merge(other) { $1 } }
    }
}
