import Logging
import Metrics

/// A bound that has bitten.
enum Limit: String, CaseIterable, Sendable {
    case message = "max-message"
    case headerList = "max-header-list"
    case headerFields = "max-header-fields"
    case continuationFrames = "max-continuation-frames"
    case buffered = "max-buffered"
    case controlFrames = "max-control-frames"
    case resets = "max-resets"
    case pings = "min-ping-interval"
    case handshakeTimeout = "handshake-timeout"
    case writeTimeout = "write-timeout"
    case concurrentCalls = "max-concurrent-calls"
    case connections = "max-connections"
    case queuedCalls = "max-queued-calls"
    case loopTime = "max-loop-time"

    static let counter = "grpc_transport_limit_hits"
}

/// Counts how often bounds bite, and says so in the log. One for all connections of a transport.
final class LimitReporter: Sendable {
    enum Side: String, Sendable {
        case client, server
    }

    private let counters: [Counter]
    private let logger: Logger

    init(side: Side, logger: Logger) {
        self.logger = logger
        self.counters = Limit.allCases.map {
            Counter(label: Limit.counter, dimensions: [("side", side.rawValue), ("limit", $0.rawValue)])
        }
    }

    func count(_ limit: Limit) {
        // The counters are in the order of the cases.
        if let index = Limit.allCases.firstIndex(of: limit) {
            self.counters[index].increment()
        }
    }

    func log(_ limit: Limit, peer: String, _ detail: String) {
        self.logger.warning("\(detail)", metadata: ["limit": "\(limit.rawValue)", "peer": "\(peer)"])
    }

    func logRefusal(of what: String, peer: String, _ fault: String, level: Logger.Level) {
        self.logger.log(
            level: level, "refused a \(what)", metadata: ["peer": "\(peer)", "cause": "\(fault)"]
        )
    }
}

/// What the bounds of one connection (or event loop) have done, so that each is logged once: a peer must not fill the log.
struct LimitLog {
    private var logged: Set<Limit> = []
    private var hasLoggedRefusal = false
    private let reporter: LimitReporter

    init(reporter: LimitReporter) {
        self.reporter = reporter
    }

    mutating func report(_ limit: Limit, peer: String, _ detail: @autoclosure () -> String) {
        self.reporter.count(limit)
        if self.logged.insert(limit).inserted {
            self.reporter.log(limit, peer: peer, detail())
        }
    }

    /// Says that a call is refused: once as a warning, then for those who look for it.
    mutating func reportRefusal(of what: String, peer: String, _ fault: String) {
        self.reporter.logRefusal(of: what, peer: peer, fault, level: self.hasLoggedRefusal ? .debug : .warning)
        self.hasLoggedRefusal = true
    }
}
