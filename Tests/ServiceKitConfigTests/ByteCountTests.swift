import FoundationEssentials
import ServiceKitConfig
import Testing

@Suite struct ByteCountTests {
    @Test(arguments: [
        ("0", 0), ("512", 512), ("512B", 512), ("4KB", 4000), ("16KiB", 16384), ("4MB", 4_000_000),
        ("4MiB", 4_194_304), ("1GB", 1_000_000_000), ("1GiB", 1_073_741_824), ("1TB", 1_000_000_000_000),
        ("1TiB", 1_099_511_627_776), ("1.5KiB", 1536), ("0.5MB", 500_000), ("\"512\"", 512),
    ])
    func sizes(yaml: String, bytes: Int) throws {
        #expect(try decodeValue(ByteCount.self, yaml).bytes == bytes)
    }

    @Test(arguments: [
        ("4mb", "\"4mb\"; units are B, KB, KiB, MB, MiB, GB, GiB, TB, TiB"),
        ("4 MB", "\"4 MB\"; leave the space out"),
        ("-1", "\"-1\""), ("many", "\"many\""), ("[]", "a sequence"), ("\"\"", "the quoted text \"\""),
    ])
    func noSizes(yaml: String, found: String) {
        #expect(
            decodeError(ByteCount.self, "v: \(yaml)", at: "v")
                == "app.yaml:1:4: v: expected a size such as 16KiB, 4MB or 512, found \(found)"
        )
    }

    @Test(arguments: [
        ("1.5", "a whole number of bytes, at most 9223372036854775807"),
        ("9000000TiB", "a whole number of bytes, at most 9223372036854775807"),
        ("9999999999999999999", "a number of at most 18 digits"),
    ])
    func sizesAreWholeAndLimited(yaml: String, expected: String) {
        #expect(
            decodeError(ByteCount.self, "v: \(yaml)", at: "v")
                == "app.yaml:1:4: v: expected \(expected), found \"\(yaml)\"")
    }

    @Test(arguments: [
        (0, "0"), (1, "1"), (1000, "1KB"), (1024, "1KiB"), (1536, "1536"), (4 << 20, "4MiB"), (3 << 40, "3TiB"),
    ])
    func theDescriptionReadsAsTheSameSize(bytes: Int, text: String) throws {
        #expect(ByteCount(bytes).description == text)
        #expect(try decodeValue(ByteCount.self, text).bytes == bytes)
    }

    @Test func otherCodersWriteText() throws {
        let json = try JSONEncoder().encode(["size": ByteCount.kibibytes(16)])
        #expect(String(decoding: json, as: UTF8.self) == #"{"size":"16KiB"}"#)
        #expect(try JSONDecoder().decode([String: ByteCount].self, from: json) == ["size": .kibibytes(16)])
        #expect(try JSONDecoder().decode([ByteCount].self, from: Data("[512]".utf8)) == [512])
        #expect(throws: DecodingError.self) { try JSONDecoder().decode([ByteCount].self, from: Data("[\"x\"]".utf8)) }
        #expect(throws: DecodingError.self) { try JSONDecoder().decode([ByteCount].self, from: Data("[-1]".utf8)) }
    }

    @Test func sizesCompare() {
        #expect(ByteCount.kibibytes(1) > 1000)
        #expect(ByteCount.gibibytes(1) == .mebibytes(1024))
    }
}
