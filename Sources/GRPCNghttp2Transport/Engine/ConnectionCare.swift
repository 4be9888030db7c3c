import NIOCore

/// The times that one connection keeps to.
struct ConnectionTimes: Sendable {
    /// How long nothing may come from the peer before it is asked for a sign of life; `nil` for never.
    var keepaliveTime: Duration?
    /// How long it may take to give one.
    var keepaliveTimeout = Duration.seconds(20)
    /// Whether to ask while there are no calls.
    var keepaliveWithoutCalls = false
    /// How long to go without calls before the connection is drained.
    var maxIdle: Duration?
    /// How old to grow before the connection is drained.
    var maxAge: Duration?
    /// How long calls may take from then on.
    var maxAgeGrace: Duration?
    /// How long the peer may take until it has sent its settings.
    var handshakeTimeout: Duration?
    /// How long the peer may take to read anything.
    var writeTimeout: Duration
}

/// Watches over the times of one connection: whether the peer lives, reads, and comes to the point, and whether the
/// connection has been idle, or has lived, for long enough.
///
/// It keeps no timer: `nextCheck` says when `check` is to be called, and calling it earlier does no harm. What happens
/// often, such as a read, only notes the time.
struct ConnectionCare {
    enum Action: Equatable {
        case ping
        case drain(String)
        case close(String, limit: Limit?)
    }

    private let times: ConnectionTimes
    private let bornAt: NIODeadline
    private let maxAge: Duration?

    private var isReady = false
    private var isDraining = false
    /// Whether the connection is being closed: it may take a while, as TLS says goodbye first.
    private var isClosing = false
    private var drainedForAgeAt: NIODeadline?
    private var lastRead: NIODeadline
    private var pingedAt: NIODeadline?
    /// Since when there are no calls.
    private var idleSince: NIODeadline?
    /// Since when the peer has read nothing although something waits to be sent.
    private var stalledSince: NIODeadline?

    /// How much an age may differ from the one configured, lest all clients of a server come back at once
    /// (https://github.com/grpc/proposal/blob/master/A9-server-side-conn-mgt.md).
    private static let ageJitter = 0.9..<1.1

    init(times: ConnectionTimes, now: NIODeadline, using generator: inout some RandomNumberGenerator) {
        self.times = times
        self.bornAt = now
        self.lastRead = now
        self.maxAge = times.maxAge.map { $0 * Double.random(in: Self.ageJitter, using: &generator) }
    }

    // MARK: What happens

    mutating func becameReady(now: NIODeadline) {
        self.isReady = true
        self.idleSince = now
    }

    /// Whether there are no calls.
    var isIdle: Bool { self.idleSince != nil }

    /// Returns whether that was the sign of life that was asked for; `nextCheck` is earlier then.
    @discardableResult
    mutating func read(now: NIODeadline) -> Bool {
        defer { self.lastRead = now }
        return self.isSilent
    }

    mutating func callsChanged(areOpen: Bool, now: NIODeadline) {
        if areOpen {
            self.idleSince = nil
        } else if self.idleSince == nil {
            self.idleSince = now
        }
    }

    mutating func writingStalled(now: NIODeadline) {
        if self.stalledSince == nil {
            self.stalledSince = now
        }
    }

    mutating func writingContinued() {
        self.stalledSince = nil
    }

    mutating func isBeingDrained() {
        self.isDraining = true
    }

    // MARK: Checking

    private var handshakeEnds: NIODeadline? {
        self.isReady ? nil : self.times.handshakeTimeout.map { self.bornAt + $0 }
    }

    private var stallEnds: NIODeadline? { self.stalledSince.map { $0 + self.times.writeTimeout } }

    private var isSilent: Bool { self.pingedAt.map { self.lastRead <= $0 } ?? false }

    private var isKeptAlive: Bool { self.isReady && (self.idleSince == nil || self.times.keepaliveWithoutCalls) }

    private var keepaliveEnds: NIODeadline? {
        if self.isSilent, let pingedAt { return pingedAt + self.times.keepaliveTimeout }
        return self.isKeptAlive ? self.times.keepaliveTime.map { self.lastRead + $0 } : nil
    }

    private var idleEnds: NIODeadline? {
        guard !self.isDraining, let idleSince, let maxIdle = self.times.maxIdle else { return nil }
        return idleSince + maxIdle
    }

    private var ageEnds: NIODeadline? {
        if let drainedForAgeAt { return self.times.maxAgeGrace.map { drainedForAgeAt + $0 } }
        return self.isDraining ? nil : self.maxAge.map { self.bornAt + $0 }
    }

    /// When to call `check`, if ever. It changes with what happens.
    var nextCheck: NIODeadline? {
        guard !self.isClosing else { return nil }
        return [self.handshakeEnds, self.stallEnds, self.keepaliveEnds, self.idleEnds, self.ageEnds]
            .compactMap { $0 }.min()
    }

    /// What is to be done now.
    mutating func check(now: NIODeadline) -> Action? {
        guard !self.isClosing else { return nil }
        let action = self.action(now: now)
        if case .close? = action {
            self.isClosing = true
        }
        return action
    }

    private mutating func action(now: NIODeadline) -> Action? {
        if let end = self.handshakeEnds, end <= now {
            return .close("the client did not complete the handshake in time", limit: .handshakeTimeout)
        }
        if let end = self.stallEnds, end <= now {
            return .close("the peer does not read what is sent to it", limit: .writeTimeout)
        }
        if let end = self.ageEnds, end <= now {
            if self.drainedForAgeAt != nil {
                return .close("the connection has reached its maximum age, and the grace is over", limit: nil)
            }
            self.drainedForAgeAt = now
            self.isDraining = true
            return .drain("the connection has reached its maximum age")
        }
        if let end = self.idleEnds, end <= now {
            self.isDraining = true
            return .drain("the connection was idle")
        }
        if let end = self.keepaliveEnds, end <= now {
            if self.isSilent {
                return .close("the peer gave no sign of life (keep-alive)", limit: nil)
            }
            self.pingedAt = now
            return .ping
        }
        return nil
    }
}

extension NIODeadline {
    /// What is longer than ten years counts as ten years: sums of times are not to overflow.
    static func + (deadline: NIODeadline, duration: Duration) -> NIODeadline {
        deadline + min(TimeAmount(duration), .hours(24 * 365 * 10))
    }
}
