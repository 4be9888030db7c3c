public import Logging

/// Logs one structured line for each call.
///
/// A served call is logged at `info`, a made one at `debug`; failures that are the service's own (5xx) at `warning`.
public struct CallLogging: StepwiseMiddleware {
    private let logger: Logger

    /// Logs to a logger.
    public init(logger: Logger) {
        self.logger = logger
    }

    /// Notes when a call begins, to log it when it ends.
    public func begin(_ call: inout Call) -> CallEnded? {
        let normal: Logger.Level = call.side == .server ? .info : .debug
        // Only what is logged is written down.
        guard logger.logLevel <= .warning else { return nil }
        let start = ContinuousClock.now
        return { [call] outcome in
            switch outcome {
            case .success(let result):
                log(call, since: start, level: normal) {
                    $0["code"] = "200"
                    if let instance = result.servedBy { $0["instance"] = "\(instance.id)" }
                }
            case .failure(let error):
                let failure = ServiceError(error)
                let code = failure?.code ?? .internalError
                log(call, since: start, level: code.rawValue >= 500 ? .warning : normal) {
                    $0["code"] = "\(code)"
                    $0["reason"] = "\(failure?.reason ?? "UNKNOWN")"
                    $0["error"] = "\(failure?.message ?? String(describing: error))"
                }
            }
        }
    }

    private func log(
        _ call: Call,
        since start: ContinuousClock.Instant,
        level: Logger.Level,
        _ outcome: (inout Logger.Metadata) -> Void
    ) {
        guard logger.logLevel <= level else { return }
        let milliseconds = (ContinuousClock.now - start) / .milliseconds(1)
        var metadata: Logger.Metadata = [
            "side": call.side == .server ? "server" : "client",
            "transport": "\(call.transport)",
            "path": "\(call.path)",
            "peer": "\(call.peer)",
            "ms": "\((milliseconds * 1000).rounded() / 1000)",
        ]
        outcome(&metadata)
        logger.log(level: level, "call", metadata: metadata)
    }
}
