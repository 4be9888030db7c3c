/// Faults in the bytes of a .proto file that protoc's own message does not name.
struct SourceEncoding {
    let bytes: [UInt8]

    /// Whether the file is UTF-16, in which some editors save.
    var isUTF16: Bool {
        bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) || bytes.prefix(2).contains(0)
    }

    /// Whether the file's first statement after comments is an edition.
    var hasEdition: Bool {
        var text = Substring(String(decoding: bytes, as: UTF8.self)).drop { $0 == "\u{FEFF}" }
        while true {
            text = text.drop(while: \.isWhitespace)
            if text.hasPrefix("//") {
                text = text.drop { !$0.isNewline }
            } else if text.hasPrefix("/*") {
                guard let end = text.dropFirst(2).firstRange(of: "*/") else { return false }
                text = text[end.upperBound...]
            } else {
                return text.wholeMatch(of: /edition\s*=.*/.dotMatchesNewlines()) != nil
            }
        }
    }

    /// The number of the first line that is not UTF-8.
    var firstLineThatIsNotUTF8: Int? {
        bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .firstIndex { String(validating: $0, as: UTF8.self) == nil }
            .map { $0 + 1 }
    }
}
