/// Why a stream ended otherwise than by its peer ending it.
package enum StreamFailure: Error, Hashable, Sendable {
    /// The peer reset the stream.
    case reset(HTTP2ErrorCode)
    /// This side refuses the peer's head or body, for this reason.
    case refused(String)
    /// The peer certainly never processed the stream, for this reason.
    case notProcessed(String)
    /// The peer refused the stream (`REFUSED_STREAM`), and never processed it.
    case peerRefused
    /// The connection is gone, for this reason. It is unknown whether the peer processed the stream.
    case connectionLost(String)
    /// This side gave the stream up.
    case cancelled
    /// The stream's deadline passed.
    case deadlineExceeded
    /// The peer's body, or a piece of it, is larger than this bound of the layer above allows.
    case bodyTooLarge(Limit, bytes: Int, max: Int)
    /// The peer ended the stream in the middle of a piece of its body.
    case truncatedBody
    /// The peer's header block is larger than this side takes.
    case inboundHeadersTooLarge(bytes: Int, limit: Int)
    /// The peer's header block has more fields than this side takes.
    case tooManyHeaderFields(limit: Int)
    /// More waits to be read than this side keeps for one connection.
    case bufferFull(limit: Int)
    /// This side's header block is larger than the peer, or HTTP/2 framing, takes.
    case outboundHeadersTooLarge(bytes: Int, limit: Int)
    /// A write came after the stream had ended.
    case closed
    /// HTTP/2 refused to carry the stream on, for this reason.
    case protocolViolation(String)
}
