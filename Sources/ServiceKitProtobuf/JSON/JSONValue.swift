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

    /// Without an indentation, all is on one line. `lineStart` begins the line of the closing bracket.
    private func text(indentation: String?, lineStart: String = "\n") -> String {
        let inner = lineStart + (indentation ?? "")
        func list(_ opening: String, _ elements: [String], _ closing: String) -> String {
            if indentation == nil || elements.isEmpty { return opening + elements.joined(separator: ",") + closing }
            return opening + inner + elements.joined(separator: "," + inner) + lineStart + closing
        }
        return switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .number(let number): number
        case .string(let string): Self.quoted(string)
        case .array(let elements): list("[", elements.map { $0.text(indentation: indentation, lineStart: inner) }, "]")
        case .object(let members):
            list(
                "{",
                members.map { member in
                    Self.quoted(member.name) + (indentation == nil ? ":" : ": ")
                        + member.value.text(indentation: indentation, lineStart: inner)
                },
                "}"
            )
        }
    }

    private static func quoted(_ string: String) -> String {
        var text = "\""
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
        return text + "\""
    }
}
