import ServiceKitHTTP2

extension HTTP2ConnectionConfig {
    /// The engine's side of a server's configuration.
    convenience init(
        _ config: Nghttp2ServerTransport.Config,
        _ security: ServerTransportSecurity,
        reporter: LimitReporter
    ) {
        var times = ConnectionTimes(writeTimeout: config.limits.writeTimeout)
        times.keepaliveTime = config.keepalive.time
        times.keepaliveTimeout = config.keepalive.timeout
        times.keepaliveWithoutCalls = true
        times.maxIdle = config.maxConnectionIdle
        times.maxAge = config.maxConnectionAge
        times.maxAgeGrace = config.maxConnectionAgeGrace
        times.handshakeTimeout = config.limits.handshakeTimeout
        self.init(
            role: .server(maxConcurrentStreams: config.maxConcurrentCallsPerConnection),
            security: Security(security),
            limits: config.limits,
            times: times,
            pings: Pings(
                minInterval: config.keepalive.minPingInterval,
                allowWithoutCalls: config.keepalive.allowPingsWithoutCalls
            ),
            commonFields: .responses(accepting: config.compression.acceptedEncodings),
            reporter: reporter
        )
    }
}
