public import Logging

/// A backend of swift-log around another: the section `log` of the configuration sets its level, also while the process
/// runs.
///
/// If the main calls ``App/run(plugins:arguments:bootstrapsLogging:_:)``, every logger of the process has this backend
/// around ``QueuedLogHandler``. A main with a backend of its own puts this one around it:
///
/// ```swift
/// LoggingSystem.bootstrap { LeveledLogHandler(StreamLogHandler.standardOutput(label: $0), label: $0) }
/// ```
///
/// The level is the first of: the one that the program sets on a logger, the one that `log.levels` has for its label,
/// `log.level`, the level of the backend inside. The logger of an App has this backend in any case.
public struct LeveledLogHandler: LogHandler {
    private(set) var base: any LogHandler
    private let configured: LabelLevel
    /// The level that the program has set.
    private var own: Logger.Level?

    /// Puts the backend around another.
    ///
    /// - Parameters:
    ///   - base: The backend of the lines.
    ///   - label: The logger's label, by which `log.levels` knows it.
    public init(_ base: any LogHandler, label: String) {
        self.init(base, LabelLevel(label, of: .process))
    }

    init(_ base: any LogHandler, _ configured: LabelLevel) {
        self.base = base
        self.configured = configured
    }

    /// The least severe level that is logged.
    public var logLevel: Logger.Level {
        get { own ?? configured.level ?? base.logLevel }
        set { own = newValue }
    }

    /// The metadata of every line.
    public var metadata: Logger.Metadata {
        get { base.metadata }
        set { base.metadata = newValue }
    }

    /// The source of further metadata.
    public var metadataProvider: Logger.MetadataProvider? {
        get { base.metadataProvider }
        set { base.metadataProvider = newValue }
    }

    /// A value of ``metadata``.
    public subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { base[metadataKey: key] }
        set { base[metadataKey: key] = newValue }
    }

    /// Logs an event through the backend inside.
    public func log(event: LogEvent) {
        base.log(event: event)
    }
}
