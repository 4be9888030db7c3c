/// A JSON document, or a part of one.
package indirect enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    /// The number as written, so that no digit is lost.
    case number(String)
    case string(String)
    case array([JSONValue])
    /// The members in order. Names are unique.
    case object([Member])

    package struct Member: Hashable, Sendable {
        package var name: String
        package var value: JSONValue

        package init(_ name: String, _ value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    /// The value in an error: `the number 5`.
    var summary: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .number(let text): "the number \(text.prefix(40))"
        case .string(let text): "the string \"\(text.prefix(40))\""
        case .array: "an array"
        case .object: "an object"
        }
    }
}

// MARK: - Text

extension JSONValue {
    /// The document on one line.
    package var text: String { text(indentation: nil) }

    /// The document with a member or element on each line.
    package var prettyText: String { text(indentation: "  ") }

    private func text(indentation: String?) -> String {
        var text = ""
        write(to: &text, indentation: indentation, lineStart: "\n")
        return text
    }

    private func write(to text: inout String, indentation: String?, lineStart: String) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .number(let number): text += number
        case .string(let string): Self.write(string, to: &text)
        case .array(let elements):
            Self.write(elements, "[", "]", to: &text, indentation, lineStart) { element, text, lineStart in
                element.write(to: &text, indentation: indentation, lineStart: lineStart)
            }
        case .object(let members):
            Self.write(members, "{", "}", to: &text, indentation, lineStart) { member, text, lineStart in
                Self.write(member.name, to: &text)
                text += indentation == nil ? ":" : ": "
                member.value.write(to: &text, indentation: indentation, lineStart: lineStart)
            }
        }
    }

    private static func write<Element>(
        _ elements: [Element],
        _ opening: String,
        _ closing: String,
        to text: inout String,
        _ indentation: String?,
        _ lineStart: String,
        _ writeElement: (Element, inout String, String) -> Void
    ) {
        text += opening
        let inner = lineStart + (indentation ?? "")
        for (index, element) in elements.enumerated() {
            if index > 0 { text += "," }
            if indentation != nil { text += inner }
            writeElement(element, &text, inner)
        }
        if indentation != nil, !elements.isEmpty { text += lineStart }
        text += closing
    }

    private static func write(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{0}"..<"\u{20}", "\u{7F}"..<"\u{A0}", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
