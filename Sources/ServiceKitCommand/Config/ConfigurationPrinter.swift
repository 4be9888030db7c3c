import ServiceKitConfig

/// Writes a configuration for people (YAML, each value with its origin) and for programs (JSON).
struct ConfigurationPrinter {
    /// The text that replaces a secret.
    static let mask = "***"
    /// The column of the origins, unless a value is longer.
    private static let originColumn = 44

    private var lines: [(text: String, origin: SourceLocation?)] = []

    /// YAML, with the text for each value's origin.
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

    static func json(_ outline: ConfigurationOutline) -> String {
        switch outline {
        case .scalar(let scalar): scalar.isSecret ? PlainScalar.quoted(mask) : json(scalar)
        case .sequence(let elements): "[\(elements.map(json).joined(separator: ","))]"
        case .mapping(let entries):
            "{\(entries.map { "\(PlainScalar.quoted($0.key)):\(json($0.value))" }.joined(separator: ","))}"
        }
    }

    // MARK: - YAML

    /// `lead` is the text before the value on its line: the key, or the mark of an element.
    private mutating func add(_ outline: ConfigurationOutline, indent: Int, lead: String) {
        let margin = String(repeating: " ", count: indent)
        switch outline {
        case .scalar(let scalar):
            let value = scalar.isSecret ? PlainScalar.quoted(Self.mask) : Self.yaml(scalar)
            lines.append((lead + value, scalar.location))
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
                add(entry.value, indent: indent + 2, lead: "\(before)\(PlainScalar.yaml(entry.key)): ")
            }
        }
    }

    private static func trimmed(_ lead: String) -> String {
        String(lead.dropLast())
    }

    private static func yaml(_ scalar: ConfigurationOutline.Scalar) -> String {
        switch scalar.kind {
        case .null: return "null"
        case .boolean, .number: return scalar.text
        case .text: return PlainScalar.yaml(Placeholder.escaped(scalar.text))
        case .unread:
            // Without quotes, as written, unless YAML would then read null or no scalar.
            let text = Placeholder.escaped(scalar.text)
            return PlainScalar.isPlain(text) && !PlainScalar.isNull(text) ? text : PlainScalar.quoted(text)
        }
    }

    // MARK: - JSON

    private static func json(_ scalar: ConfigurationOutline.Scalar) -> String {
        switch scalar.kind {
        case .null: "null"
        case .text: PlainScalar.quoted(scalar.text)
        case .boolean: scalar.text
        case .number(let number): number ?? PlainScalar.quoted(scalar.text)
        case .unread: PlainScalar.isJSON(scalar.text) ? scalar.text : PlainScalar.quoted(scalar.text)
        }
    }
}
