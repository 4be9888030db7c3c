import ServiceKitConfig

/// Writes a configuration for people (YAML, each value with its origin) and for programs (JSON).
struct ConfigurationPrinter {
    /// What stands in the place of a secret.
    static let mask = "***"
    /// The column before which origins begin, where values are not longer.
    private static let originColumn = 44

    private var lines: [(text: String, origin: SourceLocation?)] = []

    /// YAML, with what is said of each value's origin.
    static func yaml(_ outline: ConfigurationOutline) -> [(text: String, origin: String)] {
        var printer = ConfigurationPrinter()
        printer.add(outline, indent: 0, lead: "")
        let width = min(originColumn, printer.lines.map(\.text.count).max() ?? 0)
        return printer.lines.map { text, origin in
            guard let origin else { return (text, "") }
            return (
                text + String(repeating: " ", count: max(0, width - text.count)),
                "  # \(origin.description.replacing("environment variable ", with: ""))"
            )
        }
    }

    /// JSON, without origins.
    static func json(_ outline: ConfigurationOutline) -> String {
        switch outline {
        case .scalar(_, _, isSecret: true, _): quoted(mask)
        case .scalar(let text, let isText, _, _): isText || !isJSONLiteral(text) ? json(text, isText: isText) : text
        case .sequence(let elements): "[\(elements.map(json).joined(separator: ","))]"
        case .mapping(let entries): "{\(entries.map { "\(quoted($0.key)):\(json($0.value))" }.joined(separator: ","))}"
        }
    }

    // MARK: - YAML

    /// - Parameter lead: What stands before the value in its line: the key, or the mark of an element.
    private mutating func add(_ outline: ConfigurationOutline, indent: Int, lead: String) {
        let margin = String(repeating: " ", count: indent)
        switch outline {
        case .scalar(let text, let isText, let isSecret, let location):
            let value = isSecret ? Self.quoted(Self.mask) : Self.scalar(text, isText: isText)
            lines.append((lead + value, location))
        case .sequence(let elements):
            if elements.isEmpty { return lines.append((lead + "[]", nil)) }
            if !lead.isEmpty { lines.append((Self.trimmed(lead), nil)) }
            for element in elements { add(element, indent: indent + 2, lead: margin + "- ") }
        case .mapping(let entries):
            if entries.isEmpty { return lines.append((lead + "{}", nil)) }
            let isElement = lead.hasSuffix("- ")
            if !lead.isEmpty, !isElement { lines.append((Self.trimmed(lead), nil)) }
            for (number, entry) in entries.enumerated() {
                let before = isElement && number == 0 ? lead : margin
                add(entry.value, indent: indent + 2, lead: "\(before)\(Self.scalar(entry.key, isText: true)): ")
            }
        }
    }

    private static func trimmed(_ lead: String) -> String {
        String(lead.dropLast())
    }

    /// A value as YAML, in quotes where it would be read as something else.
    private static func scalar(_ text: String, isText: Bool) -> String {
        if text.isEmpty { return isText ? "\"\"" : "null" }
        let isPlain =
            text.allSatisfy { $0.isASCII && !$0.isNewline && $0 != "\t" && $0 != "\"" && $0 != "\\" }
            && !"-?:,[]{}#&*!|>'%@` ".contains(text.first ?? " ") && text.last != " " && text.last != ":"
            && !text.contains(": ") && !text.contains(" #")
        let isMistaken = isText && (isJSONLiteral(text) || ["~", "Null", "NULL"].contains(text) || Double(text) != nil)
        return isPlain && !isMistaken ? text : quoted(text)
    }

    // MARK: - JSON

    private static func json(_ text: String, isText: Bool) -> String {
        !isText && ["", "~", "Null", "NULL"].contains(text) ? "null" : quoted(text)
    }

    private static func isJSONLiteral(_ text: String) -> Bool {
        if ["true", "false", "null"].contains(text) { return true }
        return text.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/) != nil
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
