public import Logging
private import ServiceContextModule

/// Logs one structured line for each call.
///
/// A served call is logged at `info`, a made one at `debug`; failures that are the service's own (5xx) at `warning`.
public struct CallLogging: SynchronousMiddleware {
    private let logger: Logger
    // Made once: a closure made for each call would cost it an allocation, and copies of the logger.
    private let logServed: Call.End
    private let logMade: Call.End

    /// Logs to a logger.
    public init(logger: Logger) {
        self.logger = logger
        logServed = Self.log(to: logger, side: "server", level: .info)
        logMade = Self.log(to: logger, side: "client", level: .debug)
    }

    /// Logs a served call at its end.
    public func beginServing(_ call: inout Call) {
        if isLogging { call.onEnd(logServed) }
    }

    /// Logs a made call at its end, with the instance of the last attempt.
    public func beginCalling(_ call: inout Call) {
        if isLogging { call.onEnd(logMade) }
    }

    /// Whether a line can follow.
    private var isLogging: Bool { logger.logLevel <= .warning }

    private static func log(to logger: Logger, side: String, level: Logger.Level) -> Call.End {
        { call, result in
            let failure = result.error.map { error in
                ServiceError(error) ?? ServiceError(.internalError, reason: "UNKNOWN", message: "\(error)")
            }
            let level = (failure?.code.rawValue ?? 0) >= 500 ? .warning : level
            guard logger.logLevel <= level else { return }
            let milliseconds = (ContinuousClock.now - call.start) / .milliseconds(1)
            var metadata: Logger.Metadata = [
                "side": "\(side)",
                "transport": "\(call.transport)",
                "operation": "\(call.operation)",
                "peer": "\(call.peer)",
                "ms": "\((milliseconds * 1000).rounded() / 1000)",
                "code": "\(failure?.code.description ?? "200")",
            ]
            if let failure {
                metadata["reason"] = "\(failure.reason)"
                metadata["error"] = "\(failure.message)"
            }
            if let node = result.node { metadata["instance"] = "\(node.instance.id)" }
            if result.attempts > 1 { metadata["attempts"] = "\(result.attempts)" }
            // The program's metadata provider finds the call's trace there.
            ServiceContext.withValue(call.context) { logger.log(level: level, "call", metadata: metadata) }
        }
    }
}
