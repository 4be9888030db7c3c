package import Logging
import Metrics
import Synchronization

/// A bound, by its name. The layer above adds bounds of its own.
package struct Limit: RawRepresentable, Hashable, Sendable {
    package let rawValue: String

    package init(rawValue: String) {
        self.rawValue = rawValue
    }

    static let headerList = Self(rawValue: "max-header-list")
    static let headerFields = Self(rawValue: "max-header-fields")
    static let buffered = Self(rawValue: "max-buffered")
    static let controlFrames = Self(rawValue: "max-control-frames")
    static let resets = Self(rawValue: "max-resets")
    static let pings = Self(rawValue: "min-ping-interval")
    static let handshakeTimeout = Self(rawValue: "handshake-timeout")
    static let writeTimeout = Self(rawValue: "write-timeout")
    static let concurrentCalls = Self(rawValue: "max-concurrent-calls")
    static let connections = Self(rawValue: "max-connections")
    static let queuedCalls = Self(rawValue: "max-queued-calls")
    static let loopTime = Self(rawValue: "max-loop-time")
}

/// Counts how often bounds bite, and writes it to the log. One for all connections of a transport.
package final class LimitReporter: Sendable {
    package enum Side: String, Sendable {
        case client, server
    }

    /// The name of the counter.
    static let counter = "grpc_transport_limit_hits"

    private let side: Side
    private let logger: Logger
    private let counters = Mutex<[Limit: Counter]>([:])

    package init(side: Side, logger: Logger) {
        self.side = side
        self.logger = logger
    }

    func count(_ limit: Limit) {
        let counter = counters.withLock { counters in
            if let counter = counters[limit] { return counter }
            let dimensions = [("side", side.rawValue), ("limit", limit.rawValue)]
            let counter = Counter(label: Self.counter, dimensions: dimensions)
            counters[limit] = counter
            return counter
        }
        counter.increment()
    }

    func log(_ limit: Limit, peer: String, _ detail: String) {
        logger.warning("\(detail)", metadata: ["limit": "\(limit.rawValue)", "peer": "\(peer)"])
    }

    func logRefusal(of what: String, peer: String, _ fault: String, level: Logger.Level) {
        logger.log(
            level: level, "refused a \(what)", metadata: ["peer": "\(peer)", "cause": "\(Self.shortened(fault))"]
        )
    }

    /// A text of at most 200 characters: the other side may have written a part of it, of any length.
    static func shortened(_ text: String) -> String {
        let end = text.unicodeScalars.index(text.startIndex, offsetBy: 200, limitedBy: text.endIndex) ?? text.endIndex
        return end < text.endIndex ? String(text.unicodeScalars[..<end]) + "…" : text
    }
}

/// The log of one connection's, or event loop's, bounds. Each bound is logged once: a peer must not fill the log.
struct LimitLog {
    private var logged: Set<Limit> = []
    private var hasLoggedRefusal = false
    private let reporter: LimitReporter

    init(reporter: LimitReporter) {
        self.reporter = reporter
    }

    mutating func report(_ limit: Limit, peer: String, _ detail: @autoclosure () -> String) {
        reporter.count(limit)
        if logged.insert(limit).inserted {
            reporter.log(limit, peer: peer, detail())
        }
    }

    /// Logs that a call is refused: once as a warning, then at debug level.
    mutating func reportRefusal(of what: String, peer: String, _ fault: String) {
        reporter.logRefusal(of: what, peer: peer, fault, level: hasLoggedRefusal ? .debug : .warning)
        hasLoggedRefusal = true
    }
}
