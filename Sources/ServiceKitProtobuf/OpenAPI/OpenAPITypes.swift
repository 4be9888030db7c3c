// The schemas of scalars, and of protobuf's own types.
extension OpenAPISchemas {
    /// The forms of integers in strings. No zero stands before other digits.
    static let integer = "^(0|-?[1-9][0-9]{0,18})$"
    static let natural = "^(0|[1-9][0-9]{0,19})$"
    /// Base64 of both alphabets. Padding may be missing.
    private static let base64 = "^([A-Za-z0-9+/_-]{4})*([A-Za-z0-9+/_-]{2}(==)?|[A-Za-z0-9+/_-]{3}=?)?$"
    /// A duration of at most 315,576,000,000 s: of less than 315,000,000,000 s here.
    private static let duration = #"^-?([0-9]{1,11}|[12][0-9]{11}|3(0[0-9]|1[0-4])[0-9]{9})(\.[0-9]{1,9})?s$"#

    /// The schema of a scalar.
    static func scalar(_ kind: FieldType.Kind, _ options: JSONOptions) -> JSONValue {
        switch kind {
        case .bool: ["type": "boolean"]
        case .string: ["type": "string"]
        case .bytes: ["type": "string", "contentEncoding": "base64", "pattern": .string(base64)]
        case .float: real("float")
        case .double: real("double")
        case .int32, .sint32, .sfixed32: ["type": "integer", "format": "int32"]
        case .uint32, .fixed32: ["type": "integer", "format": "uint32", "minimum": 0]
        case .int64, .sint64, .sfixed64:
            options.int64AsNumber
                ? ["type": "integer", "format": "int64"]
                : ["type": "string", "format": "int64", "pattern": .string(integer)]
        case .uint64, .fixed64:
            options.int64AsNumber
                ? ["type": "integer", "format": "uint64", "minimum": 0]
                : ["type": "string", "format": "uint64", "pattern": .string(natural)]
        case .enumeration, .message: [:]
        }
    }

    /// A floating-point number. JSON has no numbers for three of its values.
    private static func real(_ format: JSONValue) -> JSONValue {
        [
            "anyOf": [
                ["type": "number", "format": format],
                ["type": "string", "enum": ["NaN", "Infinity", "-Infinity"]],
            ]
        ]
    }

    /// The schema of a type of `google.protobuf` that is no object of its fields.
    static func ownType(_ form: MessageTable.Form) -> JSONValue {
        switch form {
        case .timestamp: ["type": "string", "format": "date-time"]
        case .duration:
            ["type": "string", "pattern": .string(duration), "examples": ["1.5s"]]
        case .fieldMask: ["type": "string", "examples": ["name,address.city"]]
        case .any:
            [
                "type": "object", "description": "A message of any type, with the name of the type behind a URL.",
                "properties": ["@type": ["type": "string", "examples": ["type.googleapis.com/package.Message"]]],
                "additionalProperties": true,
            ]
        case .list: ["type": "array", "items": [:]]
        case .structure: ["type": "object", "additionalProperties": true]
        case .empty: ["type": "object"]
        case .object, .wrapper, .value: [:]
        }
    }
}

extension JSONValue {
    /// The schema of values of this schema, and of null.
    var orNull: JSONValue {
        guard case .object(let members) = self else { return self }
        guard case .string(let type)? = self["type"] else { return ["anyOf": [self, ["type": "null"]]] }
        return .object(
            members.map { $0.name == "type" ? Member("type", [.string(type), "null"]) : $0 })
    }
}
