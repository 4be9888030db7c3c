internal import GRPCNghttp2Transport
public import ServiceKitConfig

/// The sections `server.grpc.limits` and `client.limits`: the bounds of one connection and of its calls.
///
/// When a bound bites, the log and the counter `grpc_transport_limit_hits` name the bound's key.
public struct LimitOptions: ConfigurationSection, Hashable {
    /// The largest message that is accepted, in bytes after decompression; 4 MiB by default. A larger one ends its call
    /// with `resourceExhausted`.
    public var maxMessage = ByteCount.mebibytes(4)
    /// The largest message that is sent, in bytes before compression; by default the peer alone decides.
    public var maxSendMessage: ByteCount?
    /// The largest header block, in or out, as HTTP/2 counts it (RFC 9113, section 6.5.2: name, value and 32 bytes for
    /// each field); 16 KiB by default.
    public var maxHeaderList = ByteCount.kibibytes(16)
    /// The most fields in one header block; 128 by default.
    public var maxHeaderFields = 128
    /// The most CONTINUATION frames of one header block (CVE-2024-28182); 8 by default. More end the connection.
    public var maxContinuationFrames = 8
    /// How much may wait to be sent on one call before its writer waits; 64 KiB by default.
    public var writeBuffer = ByteCount.kibibytes(64)
    /// The flow-control window of one call: how much the peer may send before it is read; 256 KiB by default.
    public var streamWindow = ByteCount.kibibytes(256)
    /// The flow-control window of one connection, for all its calls together; 1 MiB by default.
    public var connectionWindow = ByteCount.mebibytes(1)
    /// How much a connection holds that has arrived and was not read, for all its calls together; 64 MiB by default. A
    /// call that brings more is reset.
    public var maxBuffered = ByteCount.mebibytes(64)
    /// How many frames without content (PING, SETTINGS, …) the peer may send per second, on average over ten seconds and
    /// beyond one for each frame with content; 200 by default. More end the connection (CVE-2019-9512, -9515, -9518).
    public var maxControlFrames = 200
    /// How many streams the peer may reset per second, on average over ten seconds and beyond one for each completed
    /// call; 200 by default. More end the connection (CVE-2023-44487, CVE-2025-8671).
    public var maxResets = 200
    /// How long the peer may leave waiting bytes unread before the connection is closed; 20 s by default.
    public var writeTimeout = Duration.seconds(20)

    /// The defaults.
    public init() {}

    /// The ranges of the section's values. HTTP/2 bounds a window at 2³¹ − 1 bytes (RFC 9113, section 6.9.1), and a
    /// connection's is at least 65,535 bytes.
    public static let ranges: [OptionRange<LimitOptions>] = [
        OptionRange("max-message", \.maxMessage, 1...messageLimit),
        OptionRange("max-send-message", \.maxSendMessage, 1...messageLimit),
        OptionRange("max-header-list", \.maxHeaderList, .kibibytes(1)...(.mebibytes(16))),
        OptionRange("max-header-fields", \.maxHeaderFields, 16...10_000),
        OptionRange("max-continuation-frames", \.maxContinuationFrames, 1...1000),
        OptionRange("write-buffer", \.writeBuffer, .kibibytes(1)...(.gibibytes(1))),
        OptionRange("stream-window", \.streamWindow, 65_535...windowLimit),
        OptionRange("connection-window", \.connectionWindow, 65_535...windowLimit),
        OptionRange("max-buffered", \.maxBuffered, .kibibytes(64)...(.gibibytes(64))),
        OptionRange("max-control-frames", \.maxControlFrames, 1...1_000_000),
        OptionRange("max-resets", \.maxResets, 1...1_000_000),
        OptionRange("write-timeout", \.writeTimeout, .milliseconds(1)...(.seconds(3600))),
    ]

    private static let messageLimit = ByteCount.gibibytes(2)
    private static let windowLimit: ByteCount = 2_147_483_647

    /// The engine's form.
    var transportLimits: TransportLimits {
        var limits = TransportLimits.defaults
        limits.maxHeaderListBytes = maxHeaderList.bytes
        limits.maxHeaderFields = maxHeaderFields
        limits.maxContinuationFrames = maxContinuationFrames
        limits.writeBufferBytes = writeBuffer.bytes
        limits.streamWindowBytes = streamWindow.bytes
        limits.connectionWindowBytes = connectionWindow.bytes
        limits.maxBufferedBytesPerConnection = maxBuffered.bytes
        limits.maxControlFramesPerSecond = maxControlFrames
        limits.maxResetsPerSecond = maxResets
        limits.writeTimeout = writeTimeout
        return limits
    }
}

extension LimitOptions {
    /// The meaning of each option.
    public static let help = [
        "max-message": "the largest message that is accepted, after decompression",
        "max-send-message": "the largest message that is sent, before compression",
        "max-header-list": "the largest header block in or out: name, value and 32 bytes for each field",
        "max-header-fields": "the most fields of a header block",
        "max-continuation-frames": "the most CONTINUATION frames of a header block; more end the connection",
        "write-buffer": "how much may wait to be sent on a call before its writer waits",
        "stream-window": "how many bytes the peer may send on a call before they are read",
        "connection-window": "how many bytes the peer may have under way on a connection",
        "max-buffered": "how much that was not read yet a connection holds; a call that brings more is reset",
        "max-control-frames": "how many frames without content the peer may send per second; more end the connection",
        "max-resets": "how many streams the peer may reset per second; more end the connection",
        "write-timeout": "how long the peer may read nothing while bytes wait for it; then the connection is closed",
    ]
}
