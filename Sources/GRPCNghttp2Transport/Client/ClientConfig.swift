/// How a client connects, and how its connections behave.
public struct ClientTransportConfig: Sendable {
    /// The bounds of each connection and its calls.
    public var limits = TransportLimits.defaults

    /// How many calls wait on a connection for the server to allow one more at a time; further ones fail with
    /// `unavailable`. Default: 1000.
    public var maxQueuedCalls = 1000

    /// How long an attempt to connect may take, until the server has sent its HTTP/2 settings. Default: 20 s.
    public var connectTimeout = Duration.seconds(20)

    /// How long to wait between attempts to connect.
    public var backoff = ConnectionBackoff.defaults

    /// The default configuration.
    public static var defaults: Self { Self() }

    private init() {}
}
