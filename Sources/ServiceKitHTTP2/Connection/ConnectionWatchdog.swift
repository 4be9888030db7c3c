package import NIOCore

/// The times that one connection keeps to.
package struct ConnectionTimes: Sendable {
    /// How long nothing may come from the peer before it is pinged; `nil` for never.
    package var keepaliveTime: Duration?
    /// How long the peer may take to answer a ping.
    package var keepaliveTimeout = Duration.seconds(20)
    /// Whether to ping while no stream is open.
    package var keepaliveWithoutCalls = false
    /// How long a connection may be without streams before it is drained.
    package var maxIdle: Duration?
    /// How old a connection may grow before it is drained.
    package var maxAge: Duration?
    /// How long streams may go on after that.
    package var maxAgeGrace: Duration?
    /// How long the peer may take until it has sent its settings.
    package var handshakeTimeout: Duration?
    /// How long the peer may take to read anything.
    package var writeTimeout: Duration

    package init(writeTimeout: Duration) {
        self.writeTimeout = writeTimeout
    }
}

/// Watches over the times of one connection: whether the peer lives, reads, and comes to the point, and whether the
/// connection has been idle, or has lived, for long enough.
///
/// | state | due | state | action |
/// |---|---|---|---|
/// | not ready | the handshake limit | closing | close |
/// | something waits to be sent, nothing is read | the write limit | closing | close |
/// | ready, heard nothing for the keep-alive time | | pinged | ping |
/// | pinged, heard nothing since | the keep-alive limit | closing | close |
/// | idle, not draining | the idle limit | draining | drain |
/// | not draining | the age | draining | drain |
/// | draining for its age | the grace | closing | close |
///
/// It keeps no timer: the owner calls `check` at the time of `nextCheck`; an earlier call does no harm. Frequent events,
/// such as reads, only note the time.
struct ConnectionWatchdog {
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

    /// How much an age may differ from the configured one, so that the clients of a server do not all come back at once
    /// (https://github.com/grpc/proposal/blob/master/A9-server-side-conn-mgt.md).
    private static let ageJitter = 0.9..<1.1

    init(times: ConnectionTimes, now: NIODeadline, using generator: inout some RandomNumberGenerator) {
        self.times = times
        bornAt = now
        lastRead = now
        maxAge = times.maxAge.map { $0 * Double.random(in: Self.ageJitter, using: &generator) }
    }

    // MARK: - Events

    mutating func becameReady(now: NIODeadline) {
        isReady = true
        idleSince = now
    }

    /// Whether there are no calls.
    var isIdle: Bool { idleSince != nil }

    /// Returns whether that was the sign of life that was asked for; `nextCheck` is earlier then.
    @discardableResult
    mutating func read(now: NIODeadline) -> Bool {
        defer { lastRead = now }
        return isSilent
    }

    mutating func callsChanged(areOpen: Bool, now: NIODeadline) {
        if areOpen {
            idleSince = nil
        } else if idleSince == nil {
            idleSince = now
        }
    }

    mutating func writingStalled(now: NIODeadline) {
        if stalledSince == nil {
            stalledSince = now
        }
    }

    mutating func writingContinued() {
        stalledSince = nil
    }

    mutating func isBeingDrained() {
        isDraining = true
    }

    // MARK: - Checking

    private var handshakeEnds: NIODeadline? {
        isReady ? nil : times.handshakeTimeout.map { bornAt + $0 }
    }

    private var stallEnds: NIODeadline? { stalledSince.map { $0 + times.writeTimeout } }

    private var isSilent: Bool { pingedAt.map { lastRead <= $0 } ?? false }

    private var isKeptAlive: Bool { isReady && (idleSince == nil || times.keepaliveWithoutCalls) }

    private var keepaliveEnds: NIODeadline? {
        if isSilent, let pingedAt { return pingedAt + times.keepaliveTimeout }
        return isKeptAlive ? times.keepaliveTime.map { lastRead + $0 } : nil
    }

    private var idleEnds: NIODeadline? {
        guard !isDraining, let idleSince, let maxIdle = times.maxIdle else { return nil }
        return idleSince + maxIdle
    }

    private var ageEnds: NIODeadline? {
        if let drainedForAgeAt { return times.maxAgeGrace.map { drainedForAgeAt + $0 } }
        return isDraining ? nil : maxAge.map { bornAt + $0 }
    }

    /// When to call `check`, if ever. It changes with events.
    var nextCheck: NIODeadline? {
        guard !isClosing else { return nil }
        return [handshakeEnds, stallEnds, keepaliveEnds, idleEnds, ageEnds]
            .compactMap { $0 }.min()
    }

    /// The action that is due now.
    mutating func check(now: NIODeadline) -> Action? {
        guard !isClosing else { return nil }
        let action = self.action(now: now)
        if case .close? = action {
            isClosing = true
        }
        return action
    }

    private mutating func action(now: NIODeadline) -> Action? {
        if let end = handshakeEnds, end <= now {
            return .close("the client did not complete the handshake in time", limit: .handshakeTimeout)
        }
        if let end = stallEnds, end <= now {
            return .close("the peer does not read what is sent to it", limit: .writeTimeout)
        }
        if let end = ageEnds, end <= now {
            if drainedForAgeAt != nil {
                return .close("the connection has reached its maximum age, and the grace is over", limit: nil)
            }
            drainedForAgeAt = now
            isDraining = true
            return .drain("the connection has reached its maximum age")
        }
        if let end = idleEnds, end <= now {
            isDraining = true
            return .drain("the connection was idle")
        }
        if let end = keepaliveEnds, end <= now {
            if isSilent {
                return .close("the peer gave no sign of life (keep-alive)", limit: nil)
            }
            pingedAt = now
            return .ping
        }
        return nil
    }
}

extension NIODeadline {
    /// A duration above ten years counts as ten years, so that sums of times do not overflow.
    package static func + (deadline: NIODeadline, duration: Duration) -> NIODeadline {
        deadline + min(TimeAmount(duration), .hours(24 * 365 * 10))
    }
}
