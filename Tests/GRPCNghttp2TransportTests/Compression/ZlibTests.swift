import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

@Suite struct ZlibTests {
    private static let encodings: [MessageEncoding] = [.gzip, .deflate]

    /// The output of Python's gzip and zlib for the same message, at level 6.
    private static let sample = Array(String(repeating: "ServiceKit ", count: 10).utf8) + Array(0..<64)
    private static let body: [UInt8] =
        [0x0b, 0x4e, 0x2d, 0x2a, 0xcb, 0x4c, 0x4e, 0xf5, 0xce, 0x2c, 0x51, 0x08, 0xa6, 0x3d, 0x93, 0x81]
        + [0x91, 0x89, 0x99, 0x85, 0x95, 0x8d, 0x9d, 0x83, 0x93, 0x8b, 0x9b, 0x87, 0x97, 0x8f, 0x5f, 0x40]
        + [0x50, 0x48, 0x58, 0x44, 0x54, 0x4c, 0x5c, 0x42, 0x52, 0x4a, 0x5a, 0x46, 0x56, 0x4e, 0x5e, 0x41]
        + [0x51, 0x49, 0x59, 0x45, 0x55, 0x4d, 0x5d, 0x43, 0x53, 0x4b, 0x5b, 0x47, 0x57, 0x4f, 0xdf, 0xc0]
        + [0xd0, 0xc8, 0xd8, 0xc4, 0xd4, 0xcc, 0xdc, 0xc2, 0xd2, 0xca, 0xda, 0xc6, 0xd6, 0xce, 0x1e, 0x00]
    private static let gzipped: [UInt8] =
        [0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 0x03] + Self.body + [0xff, 0x38, 0x3d, 0x30, 0xae, 0, 0, 0]
    private static let deflated: [UInt8] = [0x78, 0x9c] + Self.body + [0xd9, 0x4e, 0x30, 0xdb]

    private static func compressed(_ encoding: MessageEncoding) -> [UInt8] {
        encoding == .gzip ? gzipped : deflated
    }

    // MARK: Both ways

    @Test(arguments: Self.encodings)
    func outputOfPythonsZlibIsDecompressed(_ encoding: MessageEncoding) throws {
        let message = try Zlib.decompress(Self.compressed(encoding), encoding, limit: 10_000)
        #expect(message == Self.sample)
    }

    /// The output is equal up to the byte that names the operating system.
    @Test func outputEqualsThatOfPythonsZlib() throws {
        #expect(Zlib.compress(Self.sample, .deflate) == Self.deflated)
        let gzip = try #require(Zlib.compress(Self.sample, .gzip))
        #expect(gzip.prefix(9) == Self.gzipped.prefix(9))
        #expect(gzip.dropFirst(10) == Self.gzipped.dropFirst(10))
    }

    private static let sizes = [17, 18, 31, 100, 255, 256, 511, 512, 513, 4095, 16_384, 65_537, 200_000]

    @Test(arguments: Self.encodings, Self.sizes)
    func compressedMessageIsDecompressedToItself(_ encoding: MessageEncoding, _ size: Int) throws {
        var generator = SeededGenerator(seed: UInt64(size))
        let kinds: [[UInt8]] = [
            Array(repeating: 0, count: size),
            (0..<size).map { UInt8(truncatingIfNeeded: $0 / 3) },
            // About half of the bytes do not compress.
            (0..<size).map { _ in UInt8.random(in: 0..<16, using: &generator) },
        ]
        for message in kinds {
            guard let bytes = Zlib.compress(message, encoding) else {
                #expect(size < 1000, "a larger one gets smaller")
                continue
            }
            #expect(bytes.count < message.count)
            #expect(try Zlib.decompress(bytes, encoding, limit: size) == message)
        }
    }

    /// A message that does not get smaller has to be sent uncompressed.
    @Test(arguments: Self.encodings)
    func incompressibleMessageIsNotCompressed(_ encoding: MessageEncoding) {
        var generator = SeededGenerator(seed: 1)
        for size in [0, 1, 16, 17, 64, 1000, 100_000] {
            let noise = (0..<size).map { _ in UInt8.random(in: 0...255, using: &generator) }
            #expect(Zlib.compress(noise, encoding) == nil, "\(size) bytes")
        }
        // A compressor that has given up one message still compresses the next.
        #expect(Zlib.compress(Self.sample, encoding)?.count == Self.compressed(encoding).count)
    }

    @Test func identityDoesNotCompress() {
        #expect(Zlib.compress(Array(repeating: 0, count: 1000), .identity) == nil)
    }

    // MARK: Bounds

    @Test(arguments: Self.encodings)
    func decompressionStopsAtTheLimit(_ encoding: MessageEncoding) throws {
        let bomb = try #require(Zlib.compress(Array(repeating: 0, count: 1_000_000), encoding))
        #expect(bomb.count < 2000)
        for limit in [0, 1, 511, 512, 1000, 65_536, 999_999] {
            let failure = #expect(throws: StreamFailure.self) {
                try Zlib.decompress(bomb, encoding, limit: limit)
            }
            guard case .bodyTooLarge(.message, let bytes, limit)? = failure else {
                Issue.record("limit \(limit): \(String(describing: failure))")
                continue
            }
            #expect(bytes > limit)
            #expect(bytes <= limit + 16 * 1024, "no more than a piece was made of it")
        }
        #expect(try Zlib.decompress(bomb, encoding, limit: 1_000_000).count == 1_000_000)
    }

    @Test(arguments: Self.encodings, [Int.max, Int(UInt32.max), Int(Int32.max)])
    func largestLimitsDoNotOverflow(_ encoding: MessageEncoding, _ limit: Int) throws {
        #expect(try Zlib.decompress(Self.compressed(encoding), encoding, limit: limit) == Self.sample)
    }

    // MARK: Malformed data

    private static func expectViolation(_ bytes: [UInt8], _ encoding: MessageEncoding, _ comment: Comment) {
        let failure = #expect(throws: StreamFailure.self, comment) {
            try Zlib.decompress(bytes, encoding, limit: 1_000_000)
        }
        guard case .protocolViolation? = failure else {
            Issue.record("\(comment): \(String(describing: failure))")
            return
        }
    }

    @Test(arguments: Self.encodings)
    func truncatedDataAreRefused(_ encoding: MessageEncoding) {
        let bytes = Self.compressed(encoding)
        for count in 0..<bytes.count {
            Self.expectViolation(Array(bytes.prefix(count)), encoding, "\(count) bytes")
        }
    }

    /// Each bit counts: of the body, and of the checksum (the last eight bytes of gzip include the size).
    @Test(arguments: Self.encodings)
    func everyCorruptBitIsRefused(_ encoding: MessageEncoding) {
        let bytes = Self.compressed(encoding)
        for index in (encoding == .gzip ? 10 : 2)..<bytes.count {
            var corrupt = bytes
            corrupt[index] ^= 0x01
            Self.expectViolation(corrupt, encoding, "byte \(index)")
        }
    }

    @Test func dataInTheOtherFormatAreRefused() {
        Self.expectViolation(Self.deflated, .gzip, "zlib as gzip")
        Self.expectViolation(Self.gzipped, .deflate, "gzip as zlib")
        for encoding in Self.encodings {
            Self.expectViolation(Self.body, encoding, "neither head nor checksum")
            Self.expectViolation(Self.sample, encoding, "not compressed at all")
        }
    }

    /// The bytes after the end would be lost.
    @Test(arguments: Self.encodings)
    func dataAfterTheEndAreRefused(_ encoding: MessageEncoding) {
        let bytes = Self.compressed(encoding)
        Self.expectViolation(bytes + bytes, encoding, "twice")
        Self.expectViolation(bytes + [0], encoding, "a byte more")
    }

    // MARK: Many at a time

    @Test func concurrentCompressionIsSafe() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<32 {
                group.addTask {
                    for round in 0..<20 {
                        let message = (0..<2000).map { UInt8(truncatingIfNeeded: $0 / (task + 1) + round) }
                        let encoding = Self.encodings[(task + round) % 2]
                        let bytes = try #require(Zlib.compress(message, encoding))
                        let result = try Zlib.decompress(bytes, encoding, limit: 2000)
                        #expect(result == message)
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
