/// The configuration that all connections of a client or a server share.
package final class HTTP2ConnectionConfig: Sendable {
    package enum Role: Sendable {
        case server(maxConcurrentStreams: Int)
        case client(maxQueuedRequests: Int)
    }

    /// How a server deals with the pings of its clients.
    package struct Pings: Sendable {
        var minInterval: Duration
        var allowWithoutCalls: Bool

        package init(minInterval: Duration, allowWithoutCalls: Bool) {
            self.minInterval = minInterval
            self.allowWithoutCalls = allowWithoutCalls
        }
    }

    /// Whether connections are encrypted.
    package enum Security: Sendable {
        case plaintext
        case tls(requireALPN: Bool, expectation: TLSExpectation)

        package init(_ security: ServerTransportSecurity) {
            self =
                security.tls.map { tls in
                    let trusted = TLSExpectation(trusted: tls.trustRoots.summary, optionNames: tls.optionNames)
                    return .tls(requireALPN: tls.requireALPN, expectation: trusted)
                } ?? .plaintext
        }
    }

    let role: Role
    let security: Security
    let limits: TransportLimits
    let times: ConnectionTimes
    /// For servers only.
    let pings: Pings?
    /// The fields that all requests, on a client, or all responses, on a server, have in common.
    let commonFields: CommonFields?
    let reporter: LimitReporter

    package init(
        role: Role,
        security: Security,
        limits: TransportLimits,
        times: ConnectionTimes,
        pings: Pings? = nil,
        commonFields: CommonFields? = nil,
        reporter: LimitReporter
    ) {
        self.role = role
        self.security = security
        self.limits = limits
        self.times = times
        self.pings = pings
        self.commonFields = commonFields
        self.reporter = reporter
    }

    var isServer: Bool {
        if case .server = role { true } else { false }
    }

    var isSecure: Bool {
        if case .tls = security { true } else { false }
    }

    /// The number of streams that the peer may have open; none on a client.
    var maxConcurrentStreams: Int {
        if case .server(let count) = role { count } else { 0 }
    }

    var maxQueuedRequests: Int {
        if case .client(let count) = role { count } else { 0 }
    }
}
