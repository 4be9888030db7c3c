import NIOCore

/// How often a server lets its clients ping it
/// (https://github.com/grpc/proposal/blob/master/A8-client-side-keepalive.md, "Server Enforcement").
///
/// A ping that comes too soon is a strike, and the third strike is one too many; sending headers or messages clears
/// them, as clients measure the connection with pings while they receive. Use it on the event loop.
struct PingPolicy {
    private let minInterval: Duration
    private let allowWithoutCalls: Bool
    private var strikes = 0
    private var lastPing: NIODeadline?

    private static let maxStrikes = 2
    /// How often a client may ping that has no calls, where that is not allowed.
    private static let intervalWithoutCalls = Duration.seconds(2 * 3600)

    init(minInterval: Duration, allowWithoutCalls: Bool) {
        self.minInterval = minInterval
        self.allowWithoutCalls = allowWithoutCalls
    }

    mutating func somethingWasSent() {
        strikes = 0
        lastPing = nil
    }

    /// Returns whether the ping was one too many.
    mutating func pingReceived(now: NIODeadline, hasCalls: Bool) -> Bool {
        defer { self.lastPing = now }
        let interval = hasCalls || allowWithoutCalls ? minInterval : Self.intervalWithoutCalls
        guard let lastPing, now < lastPing + interval else { return false }
        strikes += 1
        return strikes > Self.maxStrikes
    }
}
