/// Why a stream ended otherwise than by its peer ending it.
enum StreamFailure: Error, Hashable, Sendable {
    /// The peer reset the stream.
    case reset(HTTP2ErrorCode)
    /// This side refuses what the peer sent, for this reason.
    case refused(String)
    /// The peer certainly never processed the stream, for this reason.
    case notProcessed(String)
    /// The connection is gone, for this reason; what the peer did with the stream is unknown.
    case connectionLost(String)
    /// This side gave the stream up.
    case cancelled
    /// The stream's deadline passed.
    case deadlineExceeded
    /// The peer announced a message that is larger than this side takes.
    case messageTooLarge(bytes: Int, limit: Int)
    /// The peer compresses messages in a way that this side does not read.
    case unknownEncoding(String)
    /// The peer sent a compressed message and had not said how it compresses.
    case missingEncoding
    /// The peer ended the stream in the middle of a message.
    case truncatedMessage
    /// The peer's header block is larger than this side takes.
    case inboundHeadersTooLarge(bytes: Int, limit: Int)
    /// The peer's header block has more fields than this side takes.
    case tooManyHeaderFields(limit: Int)
    /// More waits to be read than this side keeps for one connection.
    case bufferFull(limit: Int)
    /// This side's message is larger than it may be.
    case outboundMessageTooLarge(bytes: Int, limit: Int)
    /// This side's header block is larger than the peer, or HTTP/2 framing, takes.
    case outboundHeadersTooLarge(bytes: Int, limit: Int)
    /// A write came after the stream had ended.
    case closed
    /// HTTP/2 refused to carry the stream on, for this reason.
    case protocolViolation(String)
}
