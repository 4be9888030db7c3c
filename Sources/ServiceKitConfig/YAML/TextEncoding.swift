/// The encodings that a configuration file may have by mistake.
enum TextEncoding: String {
    case utf16LittleEndian = "UTF-16 (little-endian)"
    case utf16BigEndian = "UTF-16 (big-endian)"
    case utf32LittleEndian = "UTF-32 (little-endian)"
    case utf32BigEndian = "UTF-32 (big-endian)"

    static let utf8Mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// Recognizes an encoding other than UTF-8 by its byte order mark, or by the zero bytes of a first ASCII character.
    /// Source: YAML 1.2.2, section 5.2, "Character Encodings".
    init?(of bytes: [UInt8]) {
        let start = bytes.prefix(4).map { $0 }
        // Longer marks come first: a mark of UTF-32 begins like one of UTF-16.
        let marks: [([UInt8], TextEncoding)] = [
            ([0xFF, 0xFE, 0, 0], .utf32LittleEndian), ([0, 0, 0xFE, 0xFF], .utf32BigEndian),
            ([0xFF, 0xFE], .utf16LittleEndian), ([0xFE, 0xFF], .utf16BigEndian),
        ]
        if let (_, encoding) = marks.first(where: { start.starts(with: $0.0) }) {
            self = encoding
            return
        }
        switch start.map({ $0 == 0 }) {
        case [false, true, true, true]: self = .utf32LittleEndian
        case [true, true, true, false]: self = .utf32BigEndian
        case let zeros where zeros.starts(with: [false, true]): self = .utf16LittleEndian
        case let zeros where zeros.starts(with: [true, false]): self = .utf16BigEndian
        default: return nil
        }
    }
}
