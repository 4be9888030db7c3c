/// The connections of a client beyond the first. They are made one at a time when all the others have as many calls as
/// the server allows, and close by themselves when they have been idle.
///
/// | attempt | event | attempt | effect |
/// |---|---|---|---|
/// | none | a connection is wanted, is allowed, and the wait is over | wanted | the caller connects |
/// | wanted | the attempt began | connecting | |
/// | wanted, connecting | it failed | none | a wait begins |
/// | connecting | it succeeded | none | the connection takes requests |
/// | any | the client shuts down | none | the caller closes the attempt |
struct ExtraConnections {
    private enum Attempt {
        case none
        /// The caller is about to make a connection.
        case wanted
        case connecting(HTTP2Connection)
    }

    private(set) var connections: [ReadyConnection] = []
    private(set) var failures = 0
    private var attempt = Attempt.none
    private var nextAttempt = ContinuousClock.now

    /// Returns whether the caller must make another connection.
    mutating func isWanted(maxCount: Int) -> Bool {
        guard case .none = attempt, connections.count < maxCount, nextAttempt <= .now else { return false }
        attempt = .wanted
        return true
    }

    mutating func attemptBegan(_ http2: HTTP2Connection) {
        attempt = .connecting(http2)
    }

    /// The connection that is being made.
    var connecting: HTTP2Connection? {
        if case .connecting(let http2) = attempt { http2 } else { nil }
    }

    func isAttempt(_ http2: HTTP2Connection) -> Bool {
        connecting === http2
    }

    mutating func attemptSucceeded(_ connection: ReadyConnection) {
        attempt = .none
        failures = 0
        connections.append(connection)
    }

    mutating func attemptFailed(wait: Duration) {
        attempt = .none
        failures += 1
        nextAttempt = .now + wait
    }

    /// Forgets the connection that is being made, and returns it.
    mutating func endAttempt() -> HTTP2Connection? {
        defer { attempt = .none }
        return connecting
    }

    mutating func remove(_ http2: HTTP2Connection) {
        connections.removeAll { $0.http2 === http2 }
    }
}
