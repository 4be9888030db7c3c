import FoundationEssentials
import ServiceKitConfig
import Testing

/// Files in encodings other than UTF-8.
@Suite struct TextEncodingTests {
    private func error(_ bytes: [UInt8]) throws -> String {
        try withTemporaryDirectory { directory in
            let file = "\(directory)/app.yaml"
            try write(bytes, to: file)
            return errorText { _ = try Configuration.load(files: [file], environment: [:]) }
                .replacing(directory + "/", with: "")
        }
    }

    private func units<Unit: FixedWidthInteger>(_ units: some Sequence<Unit>, mark: Unit?, isBig: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        for unit in (mark.map { [$0] } ?? []) + Array(units) {
            let ordered = isBig ? unit.bigEndian : unit.littleEndian
            bytes += withUnsafeBytes(of: ordered) { Array($0) }
        }
        return bytes
    }

    @Test(arguments: ["a: 1\n", "é: 1\n"], [true, false]) func byteOrderMarkNamesTheEncoding(
        text: String, isBig: Bool
    ) throws {
        let order = isBig ? "big" : "little"
        #expect(
            try error(units(text.utf16, mark: 0xFEFF, isBig: isBig))
                == "app.yaml:1:1: saved as UTF-16 (\(order)-endian); save it as UTF-8"
        )
        #expect(
            try error(units(text.unicodeScalars.map(\.value), mark: 0xFEFF, isBig: isBig))
                == "app.yaml:1:1: saved as UTF-32 (\(order)-endian); save it as UTF-8"
        )
    }

    @Test(arguments: [true, false]) func zeroBytesNameThem(isBig: Bool) throws {
        let order = isBig ? "big" : "little"
        #expect(
            try error(units("a: 1\n".utf16, mark: nil, isBig: isBig))
                == "app.yaml:1:1: saved as UTF-16 (\(order)-endian); save it as UTF-8"
        )
        #expect(
            try error(units("a: 1\n".unicodeScalars.map(\.value), mark: nil, isBig: isBig))
                == "app.yaml:1:1: saved as UTF-32 (\(order)-endian); save it as UTF-8"
        )
    }

    @Test func theMarkOfUTF8IsLeftOut() throws {
        #expect(try error([0xEF, 0xBB, 0xBF] + Array("a: é\n".utf8)) == "no error")
    }

    private static let broken: [(bytes: [UInt8], problem: String)] = [
        ([0x0A, 0x63, 0xE9, 0x0A], ":2:2: YAML syntax: incomplete UTF-8 octet sequence"),
        ([0xFC, 0x0A], ":1:1: YAML syntax: invalid leading UTF-8 octet 0xFC"),
        ([0xE9, 0x61, 0x62], ":1:1: YAML syntax: invalid trailing UTF-8 octet after 0xE9"),
        ([0x61, 0xC3], ":1:2: YAML syntax: incomplete UTF-8 octet sequence"),
        ([0xC0, 0x80], ":1:1: YAML syntax: invalid length of a UTF-8 sequence"),
        ([0xED, 0xA0, 0x80], ":1:1: YAML syntax: invalid Unicode character"),
    ]

    @Test(arguments: broken) func otherBytesHaveAPlaceAndARemedy(bytes: [UInt8], problem: String) throws {
        let error = try error(bytes)
        #expect(error.hasPrefix("app.yaml\(problem)"), "\(error)")
        #expect(error.hasSuffix("; save it as UTF-8"), "\(error)")
    }
}
