private import FoundationEssentials

/// The JSON Schema of a configuration, draft 2020-12 (https://json-schema.org/draft/2020-12), for editors:
/// `# yaml-language-server: $schema=config.schema.json`.
///
/// A text with a placeholder is allowed in the place of any value. Keywords such as `minimum` concern values of their own
/// type only, so that each option is one schema without alternatives, and editors give clear messages. No keyword says
/// the range of a text with a unit, or the names that plugins bring: these are in the descriptions. Secrets are
/// `writeOnly`; they have no default and no example.
package enum ConfigurationSchema {
    /// A text that begins or contains a placeholder.
    private static let placeholder = #"\$\{|^@file:"#

    /// The schema in JSON. With `isClosed`, an unknown section is a mistake.
    package static func json(of root: OptionDescription, title: String, isClosed: Bool) throws -> String {
        var schema = members(of: root)
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        schema["title"] = .text(title)
        schema["type"] = ["object", "null"]
        schema["pattern"] = nil
        schema["additionalProperties"] = isClosed ? false : true
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(SchemaValue.object(schema)), as: UTF8.self) + "\n"
    }

    private static func members(of option: OptionDescription) -> [String: SchemaValue] {
        var schema = members(of: option.shape, option.bounds)
        if option.isOptional {
            if case .array(let types) = schema["type"], !types.contains("null") {
                schema["type"] = .array(types + ["null"])
            }
            if case .array(let forms) = schema["anyOf"] { schema["anyOf"] = .array(forms + [["type": "null"]]) }
        }
        if let text = description(of: option) { schema["description"] = .text(text) }
        if let value = option.defaultNode.flatMap({ defaultValue($0, option.shape) }) { schema["default"] = value }
        if option.isSecret { schema["writeOnly"] = true }
        return schema
    }

    private static func members(of shape: OptionShape, _ bounds: OptionBounds?) -> [String: SchemaValue] {
        switch shape {
        case .scalar(let kind):
            return members(of: kind, bounds)
        case .choice(let values):
            return [
                "anyOf": [
                    ["enum": .array(values.map(SchemaValue.text))], ["type": "string", "pattern": .text(placeholder)],
                ]
            ]
        case .list(let element):
            return [
                "type": ["array", "string"], "items": .object(members(of: element, bounds)),
                "pattern": .text(placeholder),
            ]
        case .dictionary(let value):
            return [
                "type": ["object", "string", "null"], "additionalProperties": .object(members(of: value, bounds)),
                "pattern": .text(placeholder),
            ]
        case .section(let options, _):
            let properties = options.map { ($0.key, SchemaValue.object(members(of: $0))) }
            return [
                "type": ["object", "string", "null"],
                "properties": .object(Dictionary(properties) { first, _ in first }),
                "additionalProperties": false, "pattern": .text(placeholder),
            ]
        case .any:
            return [:]
        }
    }

    private static func members(of kind: ScalarKind, _ bounds: OptionBounds?) -> [String: SchemaValue] {
        var schema: [String: SchemaValue] = ["pattern": .text(placeholder)]
        switch kind {
        case .text, .url:
            // A text without quotes may look like a number or a boolean: version: 1.10.
            return ["type": ["string", "number", "boolean"]]
        case .boolean:
            schema["type"] = ["boolean", "string"]
        case .integer, .fraction:
            schema["type"] = [kind == .integer ? "integer" : "number", "string"]
            schema["minimum"] = bounds.flatMap { SchemaValue(number: $0.lower) }
            schema["maximum"] = bounds?.upper.flatMap { SchemaValue(number: $0) }
        case .duration:
            let isSigned = bounds?.lower.hasPrefix("-") ?? true
            let pattern = (isSigned ? "^-?" : "^") + #"([0-9]+(\.[0-9]+)?(h|m|s|ms|us|ns))+$|"# + placeholder
            schema = ["type": ["string"], "pattern": .text(pattern)]
            if isSigned || bounds?.lower == "0" {
                // The one duration without a unit is 0.
                schema = [
                    "type": ["string", "integer"], "minimum": 0, "maximum": 0, "pattern": .text("^0$|" + pattern),
                ]
            }
        case .size:
            schema["type"] = ["string", "integer"]
            // They concern numbers of bytes.
            schema["minimum"] = bounds.flatMap { SchemaValue(size: $0.lower) } ?? 0
            schema["maximum"] = bounds?.upper.flatMap { SchemaValue(size: $0) }
            schema["pattern"] = .text(#"^[0-9]+(\.[0-9]+)?([KMGT]i?B|B)?$|"# + placeholder)
        }
        return schema
    }

    private static func description(of option: OptionDescription) -> String? {
        if !option.options.isEmpty { return nil }
        if case .dictionary(.section) = option.shape { return option.help }
        let range = option.bounds.map { "from \($0.text)".replacing("from at least", with: "at least") }
        let effect = option.isLive ? "a change takes effect at once" : "a change takes effect at the next start"
        return [option.help, range, effect].compactMap(\.self).joined(separator: "; ")
    }

    private static func defaultValue(_ node: ConfigurationNode, _ shape: OptionShape) -> SchemaValue? {
        switch (node.content, shape) {
        case (.scalar(let scalar), _) where scalar.isNull: nil
        case (.scalar(let scalar), .scalar(.boolean)): scalar.text == "true" ? true : false
        case (.scalar(let scalar), .scalar(.integer)), (.scalar(let scalar), .scalar(.fraction)):
            SchemaValue(number: scalar.text)
        case (.scalar(let scalar), _): .text(scalar.text)
        case (.sequence(let elements), .list(let shape)): .array(elements.compactMap { defaultValue($0, shape) })
        case (.mapping(let mapping), .dictionary(let shape)):
            .object(
                Dictionary(
                    mapping.entries.compactMap { entry in defaultValue(entry.value, shape).map { (entry.key, $0) } }
                ) { first, _ in first }
            )
        default: nil
        }
    }
}

/// A value in a schema.
private indirect enum SchemaValue: Encodable, Equatable {
    case text(String)
    case integer(Int)
    case fraction(Double)
    case boolean(Bool)
    case array([SchemaValue])
    case object([String: SchemaValue])

    /// A number as configuration writes it; `nil` for one that JSON does not have.
    init?(number text: String) {
        if let integer = Int(text) {
            self = .integer(integer)
        } else if let fraction = Double(text), fraction.isFinite {
            self = fraction == fraction.rounded() ? .integer(Int(exactly: fraction) ?? .max) : .fraction(fraction)
        } else {
            return nil
        }
    }

    /// The bytes of a size as configuration writes it; `nil` for another text.
    init?(size text: String) {
        guard let size = try? ByteCount(reading: ConfigurationNode.Scalar(text: text, form: .plain)) else { return nil }
        self = .integer(size.bytes)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let text): try container.encode(text)
        case .integer(let integer): try container.encode(integer)
        case .fraction(let fraction): try container.encode(fraction)
        case .boolean(let boolean): try container.encode(boolean)
        case .array(let elements): try container.encode(elements)
        case .object(let members): try container.encode(members)
        }
    }
}

extension SchemaValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral {
    init(stringLiteral text: String) { self = .text(text) }
    init(booleanLiteral boolean: Bool) { self = .boolean(boolean) }
    init(integerLiteral integer: Int) { self = .integer(integer) }
}

extension SchemaValue: ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral {
    init(arrayLiteral elements: SchemaValue...) { self = .array(elements) }
    init(dictionaryLiteral members: (String, SchemaValue)...) {
        self = .object(Dictionary(members) { first, _ in first })
    }
}
