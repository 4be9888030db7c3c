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

    /// `text` on one line.
    static func line(_ text: String) -> String {
        let breaks: [Unicode.GeneralCategory] = [.control, .lineSeparator, .paragraphSeparator]
        return shortened(text, to: maximumLineLength).unicodeScalars.map {
            breaks.contains($0.properties.generalCategory) ? $0.escaped(asASCII: true) : String($0)
        }
        .joined()
    }

    private static func shortened(_ text: String, to limit: Int) -> String {
        // Counts scalars, not characters: one character may hold any number of combining marks.
        guard let end = text.unicodeScalars.index(text.startIndex, offsetBy: limit, limitedBy: text.endIndex),
            end < text.endIndex
        else { return text }
        return String(text.unicodeScalars[..<end]) + "…"
    }
}
