import CServiceKitZlib
package import ServiceKitHTTP2
import Synchronization

/// Compression of whole messages with zlib.
package enum Zlib {
    /// Compresses a message. Returns `nil` if that makes it no smaller, or if there is no memory for it. Send the
    /// message as it is then.
    package static func compress(_ message: [UInt8], _ encoding: MessageEncoding) -> [UInt8]? {
        // A shorter message cannot get smaller: the formats add at least six bytes.
        guard encoding != .identity, message.count > 16, let deflater = Deflater.take(encoding) else { return nil }
        defer { deflater.giveBack() }
        return deflater.compress(message)
    }

    /// Decompresses a message.
    /// - Throws: `bodyTooLarge` when it grows beyond `limit` bytes; no more memory than about that is used.
    ///   `protocolViolation` if the bytes make no sense.
    package static func decompress(
        _ bytes: [UInt8],
        _ encoding: MessageEncoding,
        limit: Int
    ) throws(StreamFailure) -> [UInt8] {
        // zlib keeps a pointer to the structure inside of it, so it must not move.
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        defer { stream.deallocate() }
        let code = inflateInit2_(
            stream, Self.windowBits(encoding), ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)
        )
        guard code == Z_OK else { throw .protocolViolation("there is no memory to decompress a message") }
        defer { inflateEnd(stream) }
        return try bytes.withUnsafeBufferPointer { input throws(StreamFailure) in
            // zlib declares its input mutable but only reads it.
            stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            stream.pointee.avail_in = UInt32(clamping: input.count)
            return try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.pieceBytes) {
                piece throws(StreamFailure) in
                try Self.inflateAll(stream, encoding, limit: limit, through: piece)
            }
        }
    }

    /// How much is decompressed at a time.
    private static let pieceBytes = 16 * 1024

    private static func inflateAll(
        _ stream: UnsafeMutablePointer<z_stream>,
        _ encoding: MessageEncoding,
        limit: Int,
        through piece: UnsafeMutableBufferPointer<UInt8>
    ) throws(StreamFailure) -> [UInt8] {
        var output: [UInt8] = []
        while true {
            stream.pointee.next_out = piece.baseAddress
            stream.pointee.avail_out = UInt32(clamping: piece.count)
            let code = inflate(stream, Z_NO_FLUSH)
            let count = piece.count - Int(stream.pointee.avail_out)
            guard count <= limit - output.count else {
                throw .bodyTooLarge(.message, bytes: output.count + count, max: limit)
            }
            output.append(contentsOf: UnsafeBufferPointer(rebasing: piece[..<count]))
            switch code {
            case Z_STREAM_END:
                guard stream.pointee.avail_in == 0 else {
                    throw .protocolViolation("a compressed message goes on after its end")
                }
                return output
            case Z_OK, Z_BUF_ERROR:
                guard stream.pointee.avail_out == 0 else {
                    throw .protocolViolation("a compressed message is incomplete")
                }
            default:
                throw .protocolViolation("a message is not compressed as \(encoding.name)")
            }
        }
    }

    /// zlib's size of the window tells the format as well: 15 bits, and 16 more for gzip. gRPC's "deflate" is zlib's
    /// format (RFC 1950), as HTTP's is.
    fileprivate static func windowBits(_ encoding: MessageEncoding) -> Int32 {
        encoding == .gzip ? 15 + 16 : 15
    }
}

/// A compressor, which takes 256 KiB: some are kept to be used again.
// @unchecked: one owner at a time uses it. `take` removes it from `kept` and hands it out. `giveBack` puts it back, and
// its owner lets go of it then.
private final class Deflater: @unchecked Sendable {
    private static let kept = Mutex<[Deflater]>([])
    private static let maxKept = 8
    /// The next level costs twice the time and saves a hundredth of the size.
    private static let level: Int32 = 6
    private static let memoryLevel: Int32 = 8

    private let encoding: MessageEncoding
    // zlib keeps a pointer to the structure inside of it, so it must not move.
    private let stream: UnsafeMutablePointer<z_stream>

    static func take(_ encoding: MessageEncoding) -> Deflater? {
        let deflater = Self.kept.withLock { kept in
            kept.lastIndex { $0.encoding == encoding }.map { kept.remove(at: $0) }
        }
        return deflater ?? Deflater(encoding)
    }

    func giveBack() {
        deflateReset(stream)
        Self.kept.withLock { kept in
            if kept.count < Self.maxKept {
                kept.append(self)
            }
        }
    }

    private init?(_ encoding: MessageEncoding) {
        self.encoding = encoding
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let code = deflateInit2_(
            stream, Self.level, Z_DEFLATED, Zlib.windowBits(encoding), Self.memoryLevel, Z_DEFAULT_STRATEGY,
            ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)
        )
        guard code == Z_OK else { return nil }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// Returns `nil` if the message does not get smaller.
    func compress(_ message: [UInt8]) -> [UInt8]? {
        let isComplete = message.withUnsafeBufferPointer { input -> ([UInt8], Bool) in
            stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            stream.pointee.avail_in = UInt32(clamping: input.count)
            var isComplete = false
            let output = [UInt8](unsafeUninitializedCapacity: input.count - 1) { buffer, count in
                stream.pointee.next_out = buffer.baseAddress
                stream.pointee.avail_out = UInt32(clamping: buffer.count)
                isComplete = deflate(stream, Z_FINISH) == Z_STREAM_END
                count = buffer.count - Int(stream.pointee.avail_out)
            }
            return (output, isComplete)
        }
        return isComplete.1 ? isComplete.0 : nil
    }
}
