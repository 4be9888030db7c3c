/// The connections of a client beyond the first. They are made one at a time when all the others have as many calls as
/// the server allows, and close by themselves when they have been idle.
struct ExtraLinks {
    private enum Attempt {
        case none
        /// Somebody has been told to make a connection.
        case wanted
        case connecting(HTTP2Connection)
    }

    private(set) var links: [ClientLink] = []
    private(set) var failures = 0
    private var attempt = Attempt.none
    private var nextAttempt = ContinuousClock.now

    /// Returns whether another connection is to be made; the caller then makes it.
    mutating func isWanted(maxCount: Int) -> Bool {
        guard case .none = self.attempt, self.links.count < maxCount, self.nextAttempt <= .now else { return false }
        self.attempt = .wanted
        return true
    }

    mutating func attemptBegan(_ http2: HTTP2Connection) {
        self.attempt = .connecting(http2)
    }

    /// The connection that is being made.
    var connecting: HTTP2Connection? {
        if case .connecting(let http2) = self.attempt { http2 } else { nil }
    }

    func isAttempt(_ http2: HTTP2Connection) -> Bool {
        self.connecting === http2
    }

    mutating func attemptSucceeded(_ link: ClientLink) {
        self.attempt = .none
        self.failures = 0
        self.links.append(link)
    }

    mutating func attemptFailed(wait: Duration) {
        self.attempt = .none
        self.failures += 1
        self.nextAttempt = .now + wait
    }

    /// Forgets the connection that is being made, and returns it.
    mutating func endAttempt() -> HTTP2Connection? {
        defer { self.attempt = .none }
        return self.connecting
    }

    mutating func remove(_ http2: HTTP2Connection) {
        self.links.removeAll { $0.http2 === http2 }
    }
}
