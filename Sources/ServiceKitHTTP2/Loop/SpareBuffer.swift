import NIOCore

/// A buffer that the connections of an event loop use in turn: mostly, NIO has let go of it when the next write begins.
struct SpareBuffer {
    private var buffer = ByteBuffer()

    /// Takes the buffer, empty.
    mutating func take() -> ByteBuffer {
        var taken = ByteBuffer()
        swap(&taken, &buffer)
        taken.clear()
        return taken
    }

    /// Gives the buffer back behind the write.
    mutating func giveBack(_ buffer: ByteBuffer) {
        self.buffer = buffer
    }
}
