/// The bounds that one HTTP/2 connection and its calls keep to, on either side.
///
/// Whatever a connection holds for its peer is bounded by these: unread request or response bytes by the stream window,
/// unsent ones by the write buffer, one message by its maximum size. A value outside the range that HTTP/2 allows is
/// taken as the nearest one inside.
public struct TransportLimits: Sendable, Hashable {
    /// The largest message accepted from the peer, in bytes. A larger one ends its call with `resourceExhausted`.
    /// Default: 4 MiB.
    public var maxMessageBytes = 4 * 1024 * 1024

    /// The largest header block, in or out, in bytes as HTTP/2 counts them: name, value and 32 for each field
    /// (RFC 9113, section 6.5.2). A larger one ends its call with `resourceExhausted`. Default: 16 KiB.
    public var maxHeaderListBytes = 16 * 1024

    /// Bytes waiting to be sent on one call from which on a further write suspends. Default: 64 KiB.
    public var writeBufferBytes = 64 * 1024

    /// The flow-control window of one stream, in bytes: how much the peer may send on a call beyond what was read from
    /// it. Default: 256 KiB.
    public var streamWindowBytes = 256 * 1024

    /// The flow-control window of the connection, in bytes: how much the peer may have under way to this side on all
    /// its streams together. It is given back as bytes arrive, so that a call nobody reads never stops its neighbours.
    /// Default: 1 MiB.
    public var connectionWindowBytes = 1024 * 1024

    /// The default bounds.
    public static var defaults: Self { Self() }

    private init() {}
}
