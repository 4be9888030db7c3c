extension CorpusDocument {
    private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    private static func utf16(_ text: String, isBig: Bool) -> [UInt8] {
        text.utf16.flatMap { unit in
            let bytes = [UInt8(truncatingIfNeeded: unit >> 8), UInt8(truncatingIfNeeded: unit)]
            return isBig ? bytes : bytes.reversed()
        }
    }

    /// Line breaks, tabs, byte order marks, and bytes that are not text.
    static let encodings: [CorpusDocument] = [
        CorpusDocument("CRLF", "a: 1\r\nb:\r\n  - x\r\n  - 'y'\r\n", .read("{a: 1, b: [x, \"y\"]}")),
        CorpusDocument(
            "CRLF in blocks and quotes", "a: |\r\n  x\r\n  y\r\nb: >-\r\n  x\r\n  y\r\nc: \"x\r\n  y\"\r\n",
            .read(#"{a: "x\ny\n", b: "x y", c: "x y"}"#)),
        CorpusDocument("CR", "a: 1\rb: 2\r", .read("{a: 1, b: 2}")),
        CorpusDocument("mixed line breaks", "a: 1\r\nb: 2\nc: 3\rd: 4", .read("{a: 1, b: 2, c: 3, d: 4}")),
        CorpusDocument("byte order mark", mark + Array("a: 1\n".utf8), .read("{a: 1}")),
        CorpusDocument("byte order mark and CRLF", mark + Array("---\r\na: 1\r\n".utf8), .read("{a: 1}")),
        CorpusDocument("byte order mark alone", mark, .read("{}")),
        CorpusDocument(
            "two files in one, each with its mark", mark + Array("a: 1\n".utf8) + mark + Array("b: 2\n".utf8),
            .refused(at: "2:2", "did not find expected key")),
        CorpusDocument("tab after a colon", "a:\t1\nb: \t 2\n", .read("{a: 1, b: 2}")),
        CorpusDocument(
            "tab before a comment and at the end", "a: 1\t# one\nb: 2\t\nc: 3\n", .read("{a: 1, b: 2, c: 3}")),
        CorpusDocument("tab inside of text", "a: x\ty\nb: 'x\ty'\n", .read(#"{a: x\#ty, b: "x\ty"}"#)),
        CorpusDocument("tabs in flow style", "a: [\n\t1,\t2 ]\n", .read("{a: [1, 2]}")),
        CorpusDocument(
            "line with nothing but a tab", "a: 1\n\t\nb: 2\n", .refused(at: "2:1", "use spaces instead of tabs")),
        CorpusDocument("tab as indentation", "a:\n\tb: 1\n", .refused(at: "2:1", "use spaces instead of tabs")),
        CorpusDocument(
            "tab as indentation after spaces", "a:\n  b: 1\n  \tc: 2\n",
            .refused(at: "3:3", "use spaces instead of tabs")),
        CorpusDocument(
            "tab after a dash before a mapping", "a:\n  -\tb: 1\n", .refused(at: "2:4", "use spaces instead of tabs")),
        CorpusDocument(
            "UTF-16, little-endian, with a mark", [0xFF, 0xFE] + utf16("a: 1\n", isBig: false),
            .refused(at: "1:1", "saved as UTF-16 (little-endian); save it as UTF-8")),
        CorpusDocument(
            "UTF-16, big-endian, with a mark", [0xFE, 0xFF] + utf16("a: 1\n", isBig: true),
            .refused(at: "1:1", "saved as UTF-16 (big-endian); save it as UTF-8")),
        CorpusDocument(
            "UTF-16 without a mark", utf16("a: 1\n", isBig: false),
            .refused(at: "1:1", "saved as UTF-16 (little-endian); save it as UTF-8")),
        CorpusDocument("NUL in a value", "a: x\0y\n", .refused(at: "1:5", "control characters are not allowed")),
        CorpusDocument("NUL at the end", "a: 1\n\0\0\0", .refused(at: "2:1", "control characters are not allowed")),
        CorpusDocument(
            "NUL bytes alone", [UInt8](repeating: 0, count: 64),
            .refused(at: "1:1", "control characters are not allowed")),
        CorpusDocument(
            "escape sequence of a terminal", "a: \u{1B}[31mred\n",
            .refused(at: "1:4", "control characters are not allowed")),
        CorpusDocument("delete character", "a: x\u{7F}\n", .refused(at: "1:5", "control characters are not allowed")),
        CorpusDocument("Latin-1", Array("a: caf".utf8) + [0xE9, 0x0A], .refused(at: "1:7", "save it as UTF-8")),
        CorpusDocument(
            "Latin-1 in a comment", Array("# f".utf8) + [0xFC] + Array("r\na: 1\n".utf8),
            .refused(at: "1:4", "save it as UTF-8")),
        CorpusDocument(
            "character cut at the end", Array("a: x".utf8) + [0xE2, 0x82], .refused(at: "1:5", "save it as UTF-8")),
        CorpusDocument("overlong UTF-8", Array("a: ".utf8) + [0xC0, 0xAF], .refused(at: "1:4", "save it as UTF-8")),
        CorpusDocument(
            "half of a surrogate pair", Array("a: ".utf8) + [0xED, 0xA0, 0xBD], .refused(at: "1:4", "save it as UTF-8")),
        CorpusDocument(
            "beyond Unicode", Array("a: ".utf8) + [0xF4, 0x90, 0x80, 0x80], .refused(at: "1:4", "save it as UTF-8")),
        CorpusDocument("no-break space as indentation", "a:\n\u{A0}\u{A0}b: 1\n", .read("{a: ~, \u{A0}\u{A0}b: 1}")),
        CorpusDocument(
            "line separator in quotes stays", "a: \"x\u{2028}y\"\n",
            .read("{a: \(String("x\u{2028}y").debugDescription)}")),
        CorpusDocument(
            "gzip", [0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00], .refused(at: "1:1", "control characters are not allowed")),
    ]
}
