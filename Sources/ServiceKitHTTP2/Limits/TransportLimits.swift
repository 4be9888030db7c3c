/// The bounds of one HTTP/2 connection and of its streams, on either side.
///
/// They bound all that a connection holds for its peer, and all work that a peer can cause. When a bound bites, the
/// counter `grpc_transport_limit_hits` is incremented, with the bound's name as dimension `limit`, and a warning is
/// logged, once for each connection and bound. A value outside the range that HTTP/2 allows is taken as the nearest one
/// inside.
public struct TransportLimits: Sendable, Hashable {
    // MARK: - Sizes

    /// `max-header-list`: the largest header block, in or out, in bytes as HTTP/2 counts them: name, value and 32 for
    /// each field (RFC 9113, section 6.5.2). A larger one ends its stream, and a gRPC call with `resourceExhausted`.
    /// Default: 16 KiB.
    public var maxHeaderListBytes = 16 * 1024

    /// `max-header-fields`: the largest number of fields in a header block of the peer. More end the stream, and a gRPC
    /// call with `resourceExhausted`. Default: 128.
    public var maxHeaderFields = 128

    /// `max-continuation-frames`: the largest number of CONTINUATION frames in one header block of the peer. More end
    /// the connection (CVE-2024-28182). Default: 8.
    public var maxContinuationFrames = 8

    /// How many bytes may wait to be sent on one stream before a further write suspends. Each message counts 64 bytes
    /// more than it has. Default: 64 KiB.
    public var writeBufferBytes = 64 * 1024

    /// The flow-control window of one stream, in bytes: how much the peer may send before it is read. Default: 256 KiB.
    public var streamWindowBytes = 256 * 1024

    /// The flow-control window of the connection, in bytes: how much the peer may have under way to this side on all
    /// its streams together. It is given back as bytes arrive, so that an unread stream never stops its neighbours.
    /// Default: 1 MiB.
    public var connectionWindowBytes = 1024 * 1024

    /// `max-buffered`: how many bytes a connection holds that have arrived and were not read, for all its streams
    /// together. Each message counts 64 bytes more than it has. A stream that brings more is reset. Default: 64 MiB.
    public var maxBufferedBytesPerConnection = 64 * 1024 * 1024

    // MARK: - Rates

    /// `max-control-frames`: how many frames without content (PING, SETTINGS, PRIORITY, empty DATA) the peer may send
    /// per second, on average over ten seconds and beyond one for each frame with content. More end the connection with
    /// ENHANCE_YOUR_CALM (CVE-2019-9512, -9515, -9518). Default: 200.
    public var maxControlFramesPerSecond = 200

    /// `max-resets`: how many streams the peer may reset, or have this side reset by errors, per second, on average
    /// over ten seconds and beyond one for each completed stream. More end the connection with ENHANCE_YOUR_CALM
    /// (CVE-2023-44487, CVE-2025-8671). Default: 200.
    public var maxResetsPerSecond = 200

    // MARK: - Times

    /// `handshake-timeout`, for servers only: how long a client may take for TLS and for its HTTP/2 preface and
    /// settings before it is disconnected. Default: 10 s.
    public var handshakeTimeout = Duration.seconds(10)

    /// `write-timeout`: how long a peer may read nothing while bytes wait to be sent to it. The connection is then
    /// closed. Default: 20 s.
    public var writeTimeout = Duration.seconds(20)

    /// The default bounds.
    public static var defaults: Self { Self() }

    private init() {}
}
