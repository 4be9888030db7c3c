/// What all connections of a transport have in common.
final class HTTP2ConnectionConfig: Sendable {
    enum Role: Sendable {
        case server(maxConcurrentStreams: Int)
        case client(authority: String, userAgent: String, maxQueuedRequests: Int)
    }

    /// How a server deals with the pings of its clients.
    struct Pings: Sendable {
        var minInterval: Duration
        var allowWithoutCalls: Bool
    }

    /// Whether connections are encrypted.
    enum Security: Sendable {
        case plaintext
        case tls(requireALPN: Bool, expectation: TLSExpectation = TLSExpectation())
    }

    let role: Role
    let security: Security
    let limits: TransportLimits
    let times: ConnectionTimes
    /// For servers only.
    let pings: Pings?
    /// The encodings of messages that this side reads.
    let acceptedEncodings: MessageEncodings
    let reporter: LimitReporter

    init(
        role: Role,
        security: Security,
        limits: TransportLimits,
        times: ConnectionTimes,
        pings: Pings? = nil,
        acceptedEncodings: MessageEncodings,
        reporter: LimitReporter
    ) {
        self.role = role
        self.security = security
        self.limits = limits
        self.times = times
        self.pings = pings
        self.acceptedEncodings = acceptedEncodings
        self.reporter = reporter
    }

    var isSecure: Bool {
        if case .tls = self.security { true } else { false }
    }

    var maxQueuedRequests: Int {
        if case .client(_, _, let count) = self.role { count } else { 0 }
    }
}
