import CServiceKitZlib

/// Compresses a stream as gzip (RFC 1952), piece by piece: a reader gets the whole of a piece with the piece's bytes.
///
/// It takes some 32 KiB, an eighth of what a compressor of messages takes: there is one for each stream.
// @unchecked: one writer at a time uses it.
package final class StreamCompressor: @unchecked Sendable {
    /// A window of 4 KiB, in gzip's format.
    private static let windowBits: Int32 = 12 + 16
    private static let memoryLevel: Int32 = 5
    private static let level: Int32 = 6
    /// How much is compressed at a time.
    private static let outputBytes = 4 * 1024

    // zlib keeps a pointer to the structure inside of it, so it must not move.
    private let stream: UnsafeMutablePointer<z_stream>

    /// `nil` if there is no memory for it.
    package init?() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let code = deflateInit2_(
            stream, Self.level, Z_DEFLATED, Self.windowBits, Self.memoryLevel, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size)
        )
        guard code == Z_OK else { return nil }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// Compresses the next piece.
    ///
    /// - Parameter isLast: Whether the stream ends with it.
    package func compress(_ piece: [UInt8], isLast: Bool) -> [UInt8] {
        piece.withUnsafeBufferPointer { input in
            // zlib declares its input mutable but only reads it.
            stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            stream.pointee.avail_in = UInt32(clamping: input.count)
            return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.outputBytes) { room in
                var output: [UInt8] = []
                repeat {
                    stream.pointee.next_out = room.baseAddress
                    stream.pointee.avail_out = UInt32(clamping: room.count)
                    _ = deflate(stream, isLast ? Z_FINISH : Z_SYNC_FLUSH)
                    let count = room.count - Int(stream.pointee.avail_out)
                    output.append(contentsOf: UnsafeBufferPointer(rebasing: room[..<count]))
                } while stream.pointee.avail_out == 0
                return output
            }
        }
    }
}
