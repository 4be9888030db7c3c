import NIOCore

/// Moves the output of nghttp2 to the socket: as much as there is, in as few writes as possible, as long as the
/// socket keeps up. The rest stays in nghttp2 and in the streams, where it is bounded.
struct SocketWriter {
    /// How many bytes are put together for one write.
    private static let bytesPerWrite = 64 * 1024

    // Reused from write to write, by all connections of an event loop; NIO has mostly let go of it by then.
    private var buffer = ByteBuffer()

    /// Fills the buffer for the next write. Returns `nil` if there is nothing to send, or no room for it.
    mutating func next(from session: HTTP2Session, to channel: any Channel) throws -> ByteBuffer? {
        guard channel.isWritable else { return nil }
        buffer.clear()
        try session.send(into: &buffer, enough: Self.bytesPerWrite)
        return buffer.readableBytes > 0 ? buffer : nil
    }
}
