public import Logging

/// A backend of swift-log that never lets whoever logs wait: a line is put into a bounded queue, and a thread of its own
/// writes it.
///
/// Every logger of a process whose main calls ``App/run(plugins:arguments:bootstrapsLogging:_:)`` has it, unless the main
/// has bootstrapped another. A main of another kind, or one with a metadata provider, bootstraps it:
///
/// ```swift
/// LoggingSystem.bootstrap(QueuedLogHandler.standardError, metadataProvider: provider)
/// ```
///
/// Lines look as those of swift-log's `StreamLogHandler`. When a pipe is not emptied, a terminal is paused or a disk is
/// full, up to 1 MiB or 8192 lines wait. Further lines are dropped and counted, until half of that is free again; a
/// warning in their place says how many: `dropped=1234`. What waits when the process ends is still written, for a second at
/// most. A process that crashes loses what waits, mostly the lines of its last few milliseconds.
///
/// All loggers share one queue for standard error and one for standard output.
public struct QueuedLogHandler: LogHandler {
    /// The least severe level that is logged, `info` by default.
    public var logLevel = Logger.Level.info
    /// The metadata of every line.
    public var metadata: Logger.Metadata = [:]
    /// The source of further metadata, asked for each line.
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

    /// Puts the line of an event into the queue. A value of the event replaces the provider's, and that the handler's.
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
    /// Adds values, which replace those of the same keys.
    fileprivate mutating func add(_ other: Logger.Metadata) {
        if isEmpty { self = other } else { merge(other) { $1 } }
    }
}
