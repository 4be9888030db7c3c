import Testing

@testable import ServiceKitHTTP2

/// Frames of unknown type are counted, wherever a read ends.
struct UnknownFramesTests {
    private func frame(_ type: UInt8, _ length: Int) -> [UInt8] {
        [UInt8(length >> 16), UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF), type, 0, 0, 0, 0, 1]
            + [UInt8](repeating: 0xBE, count: length)
    }

    private func count(_ bytes: [UInt8], expectsPreface: Bool = false, pieces: Int) -> Int {
        var frames = UnknownFrames(expectsPreface: expectsPreface)
        var count = 0
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            count += bytes[start..<min(start + pieces, bytes.count)].withUnsafeBytes { frames.count(in: $0) }
        }
        return count
    }

    @Test(arguments: [1, 2, 3, 5, 8, 9, 10, 64, 100_000])
    func unknownFramesAreCounted(pieces: Int) {
        let bytes = frame(4, 0) + frame(0xBE, 300) + frame(0, 70_000) + frame(0xBE, 0) + frame(0x0A, 1) + frame(9, 12)
        #expect(count(bytes, pieces: pieces) == 3)
    }

    @Test(arguments: [1, 7, 24, 100])
    func prefaceIsNotAnUnknownFrame(pieces: Int) {
        let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
        #expect(count(preface + frame(4, 6) + frame(0xBE, 2), expectsPreface: true, pieces: pieces) == 1)
    }
}
