package import Logging

extension Logger {
    /// A logger for a trial: it writes nothing.
    package static var silent: Logger { Logger(label: "kit") { _ in SwiftLogNoOpLogHandler() } }
}
