/// The type that a text without quotes seems to have, if nothing declares it.
package enum PlainScalar {
    /// The largest integer that every reader of JSON keeps exact; its negative is the smallest. Source: RFC 7493, "The
    /// I-JSON Message Format", section 2.2.
    package static let maximumInteger = (1 << 53) - 1

    /// Whether the text can stand in JSON unchanged: every reader gives back the same text. So `8080`, `1.5` and
    /// `true`, not `1.10`, `1.0`, `1e10`, `-0` or a number of many digits.
    package static func isJSON(_ text: String) -> Bool {
        if ["true", "false"].contains(text) { return true }
        if let number = Int(text) { return "\(number)" == text && number.magnitude <= UInt(maximumInteger) }
        guard text.wholeMatch(of: /-?(0|[1-9][0-9]*)\.[0-9]*[1-9]/) != nil, let number = Double(text) else {
            return false
        }
        return "\(number)" == text
    }

    /// Whether YAML reads the text as null.
    package static func isNull(_ text: String) -> Bool {
        ["", "~", "null", "Null", "NULL"].contains(text)
    }

    /// Whether a reader of YAML 1.1 or 1.2 may read the text as another type: null, a boolean, a number (`1.10`, `1e3`,
    /// `0x1F`, `0o17`, `010`, `1_000`, `.inf`), a time (`12:30:45`) or a date.
    package static func isMistakable(_ text: String) -> Bool {
        if isNull(text) || booleans.contains(text.lowercased()) { return true }
        let isNumber =
            text.wholeMatch(of: /[-+]?([0-9][0-9_]*(\.[0-9_]*)?|\.[0-9][0-9_]*)([eE][-+]?[0-9]+)?/) != nil
            || text.wholeMatch(of: /[-+]?0(x[0-9a-fA-F_]+|o[0-7_]+|b[01_]+)/) != nil
            || text.wholeMatch(of: /([-+]?\.inf|\.nan)/.ignoresCase()) != nil
        return isNumber
            || text.wholeMatch(of: /[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?/) != nil
            || text.wholeMatch(of: /[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?/) != nil
    }

    private static let booleans: Set<String> = ["true", "false", "yes", "no", "y", "n", "on", "off"]

    /// A text in YAML, with quotes if it could be read as another type.
    package static func yaml(_ text: String) -> String {
        isPlain(text) && !isMistakable(text) ? text : quoted(text)
    }

    /// A text in the double quotes of YAML and JSON.
    package static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case "\r": result += "\\r"
            case "\u{0}"..<"\u{20}", "\u{7F}"..<"\u{A0}", "\u{2028}", "\u{2029}":
                result += escaped(scalar)
            case _ where Excerpt.isDeceptive(scalar):
                result += escaped(scalar)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }

    /// Whether YAML reads the text without quotes as one scalar.
    package static func isPlain(_ text: String) -> Bool {
        guard let first = text.first, text.last != " ", text.last != ":" else { return false }
        let isNegative = first == "-" && (text.dropFirst().first.map { $0.isNumber || $0 == "." } ?? false)
        return text.unicodeScalars.allSatisfy { $0.value > 0x1F && $0.value < 0x7F && $0 != "\"" && $0 != "\\" }
            && (isNegative || !"-?:,[]{}#&*!|>'%@` ".contains(first)) && !text.contains(": ") && !text.contains(" #")
    }
}
