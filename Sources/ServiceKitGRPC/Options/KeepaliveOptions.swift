internal import GRPCNghttp2Transport
public import ServiceKitConfig

/// The section `server.grpc.keepalive`: how the server finds out that a client is gone, and how often clients may ping
/// (https://github.com/grpc/proposal/blob/master/A9-server-side-conn-mgt.md).
struct ServerKeepaliveOptions: ConfigurationSection, Hashable {
    /// How long nothing may come from a client before the server pings it; 2 h by default, `null` for never.
    var time: Duration? = .seconds(7200)
    /// How long a client may take to answer before its connection is closed; 20 s by default.
    var timeout = Duration.seconds(20)
    /// How often a client may ping; once in 5 min by default. A client that pings more often, three times without a
    /// response in between, is disconnected with `too_many_pings`.
    var minPingInterval = Duration.seconds(300)
    /// Whether a client without calls may ping as often; by default such a client may ping once in 2 h.
    var allowPingsWithoutCalls = false

    static let ranges: [OptionRange<ServerKeepaliveOptions>] = [
        OptionRange("time", \.time, .milliseconds(1)...longestTime),
        OptionRange("timeout", \.timeout, .milliseconds(1)...(.seconds(3600))),
        OptionRange("min-ping-interval", \.minPingInterval, .zero...longestTime),
    ]

    var transportKeepalive: Nghttp2ServerTransport.Keepalive {
        var keepalive = Nghttp2ServerTransport.Keepalive.defaults
        keepalive.time = time
        keepalive.timeout = timeout
        keepalive.minPingInterval = minPingInterval
        keepalive.allowPingsWithoutCalls = allowPingsWithoutCalls
        return keepalive
    }
}

/// The section `client.keepalive`: how a channel finds out that a server is gone
/// (https://github.com/grpc/proposal/blob/master/A8-client-side-keepalive.md).
public struct ClientKeepaliveOptions: ConfigurationSection, Hashable {
    /// How long nothing may come from a server before the channel pings it; never by default. Most servers want 5 min or
    /// more, and the time is doubled when a server says so.
    public var time: Duration?
    /// How long a server may take to answer before its connection is closed; 20 s by default.
    public var timeout = Duration.seconds(20)
    /// Whether connections without calls are pinged; `false` by default.
    public var allowWithoutCalls = false

    /// The defaults.
    public init() {}

    /// The ranges of the section's values.
    public static let ranges: [OptionRange<ClientKeepaliveOptions>] = [
        OptionRange("time", \.time, .milliseconds(1)...longestTime),
        OptionRange("timeout", \.timeout, .milliseconds(1)...(.seconds(3600))),
    ]

    var transportKeepalive: ClientTransportConfig.Keepalive {
        var keepalive = ClientTransportConfig.Keepalive.defaults
        keepalive.time = time
        keepalive.timeout = timeout
        keepalive.allowWithoutCalls = allowWithoutCalls
        return keepalive
    }
}

/// A year: the longest time that an option of a connection may have.
let longestTime = Duration.seconds(365 * 86_400)

extension ServerKeepaliveOptions {
    static let help = [
        "time": "how long nothing may come from a client before it is pinged; `null` for never",
        "timeout": "how long a client may take to answer before its connection is closed",
        "min-ping-interval": "how often a client may ping; more ends the connection with `too_many_pings`",
        "allow-pings-without-calls": "whether a client without calls may ping as often, rather than once in 2 h",
    ]
}

extension ClientKeepaliveOptions {
    /// The meaning of each option.
    public static let help = [
        "time": "how long nothing may come from a server before it is pinged; most servers want `5m` or more",
        "timeout": "how long a server may take to answer before its connection is closed",
        "allow-without-calls": "whether connections without calls are pinged",
    ]
}
