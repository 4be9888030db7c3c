/// Fits text from a configuration into an error message: one line, not too long.
enum Excerpt {
    /// The largest number of characters of a value in an error.
    static let maximumValueLength = 64

    /// The largest number of characters of one part of an error's description.
    static let maximumLineLength = 1024

    /// `text` in double quotes, shortened.
    static func quoted(_ text: String) -> String {
        "\"\(shortened(text, to: maximumValueLength))\""
    }

    /// Whether a message shows a value, or as much of it as a message has. A value of one or two characters is in any text.
    static func isQuoted(_ value: String, in message: String) -> Bool {
        let start = String(value.unicodeScalars.prefix(maximumValueLength))
        return start.unicodeScalars.count > 2 && message.contains(start)
    }

    /// `text` on one line, shortened. Characters that a reader would not see as they are, are escaped.
    static func line(_ text: String) -> String {
        let breaks: [Unicode.GeneralCategory] = [.control, .lineSeparator, .paragraphSeparator]
        return shortened(text, to: maximumLineLength).unicodeScalars.map {
            breaks.contains($0.properties.generalCategory) || isDeceptive($0) ? $0.escaped(asASCII: true) : String($0)
        }
        .joined()
    }

    /// Whether a character changes the order in which a terminal shows others, or is invisible: a text with it looks like
    /// another one. Source: Unicode Technical Report 36, "Unicode Security Considerations", and UAX 9.
    static func isDeceptive(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\u{61C}", "\u{200B}", "\u{200E}", "\u{200F}", "\u{202A}"..."\u{202E}", "\u{2060}",
            "\u{2066}"..."\u{2069}", "\u{FEFF}":
            true
        default:
            false
        }
    }

    private static func shortened(_ text: String, to limit: Int) -> String {
        // Counts scalars, not characters: one character may hold any number of combining marks.
        guard let end = text.unicodeScalars.index(text.startIndex, offsetBy: limit, limitedBy: text.endIndex),
            end < text.endIndex
        else { return text }
        return String(text.unicodeScalars[..<end]) + "…"
    }
}
