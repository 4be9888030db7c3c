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
        var line = ""
        for scalar in shortened(text, to: maximumLineLength).unicodeScalars {
            if breaksLine(scalar) {
                line += scalar.escaped(asASCII: true)
            } else {
                line.unicodeScalars.append(scalar)
            }
        }
        return line
    }

    private static func shortened(_ text: String, to limit: Int) -> String {
        // Counts scalars, not characters: one character may hold any number of combining marks.
        guard let end = text.unicodeScalars.index(text.startIndex, offsetBy: limit, limitedBy: text.endIndex),
            end < text.endIndex
        else { return text }
        return String(text.unicodeScalars[..<end]) + "…"
    }

    private static func breaksLine(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
