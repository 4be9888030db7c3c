public import Logging

/// Logs one structured line for each call.
///
/// A served call is logged at `info`, a made one at `debug`; failures that are the service's own (5xx) at `warning`.
public struct CallLogging: Middleware {
    private let logger: Logger

    /// Logs to a logger.
    public init(logger: Logger) {
        self.logger = logger
    }

    /// Handles a call.
    public func handle(_ call: Call, next: Next) async throws -> CallResult {
        let start = ContinuousClock.now
        do {
            let result = try await next(call)
            log(call, since: start, level: call.side == .server ? .info : .debug) {
                $0["code"] = "200"
                if let instance = result.servedBy { $0["instance"] = "\(instance.id)" }
            }
            return result
        } catch {
            let failure = ServiceError(error)
            let code = failure?.code ?? .internalError
            let normal: Logger.Level = call.side == .server ? .info : .debug
            log(call, since: start, level: code.rawValue >= 500 ? .warning : normal) {
                $0["code"] = "\(code)"
                $0["reason"] = "\(failure?.reason ?? "UNKNOWN")"
                $0["error"] = "\(failure?.message ?? String(describing: error))"
            }
            throw error
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
