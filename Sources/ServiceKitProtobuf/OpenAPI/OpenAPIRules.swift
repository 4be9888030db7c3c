// The rules of `buf.validate`, as far as JSON Schema has them too.
extension ValidationRules {
    /// The rules of a field; `nil` if there are none.
    func rules(of field: FieldType, in message: String) -> FieldRules? {
        rules[message]?.first { $0.type.number == field.number }
    }

    /// Whether a message without the field breaks a rule.
    func isRequired(_ field: FieldType, of message: String) -> Bool {
        guard let rules = rules(of: field, in: message) else { return false }
        var violations: [Violation] = []
        rules.check([], at: "", &violations)
        return !violations.isEmpty
    }
}

extension JSONValue {
    /// The schema of a value that also keeps to rules.
    func limited(by rules: FieldRules?, _ kind: FieldType.Kind) -> JSONValue {
        // A rule that spares the zero value has no form here.
        guard let rules, !rules.ignoresZero || rules.type.isRepeated else { return self }
        var schema = self
        var limits: [Member] = []
        for rule in rules.values {
            switch rule {
            case .length(let count):
                limits.append(Member("minLength", .number("\(count)")))
                limits.append(Member("maxLength", .number("\(count)")))
            case .minLength(let count): limits.append(Member("minLength", .number("\(count)")))
            case .maxLength(let count): limits.append(Member("maxLength", .number("\(count)")))
            case .pattern(let pattern): limits.append(Member("pattern", .string(pattern.text)))
            case .bound(let bound, let value, _):
                // Integers of 64 bits may be strings, which have no bounds.
                guard let number = value.jsonNumber, let plain = schema.numberSchema else { continue }
                schema = plain
                limits.append(Member(bound.keyword, number))
            case .definedOnly: break
            }
        }
        guard case .object(let members) = schema, !limits.isEmpty else { return schema }
        // Names are unique: the last limit counts.
        var names: Set<String> = []
        let last = Array(limits.reversed().filter { names.insert($0.name).inserted }.reversed())
        return .object(members.filter { !names.contains($0.name) } + last)
    }

    /// The schema of a list of values of this schema.
    func list(limitedBy rules: FieldRules?) -> JSONValue {
        var schema: JSONValue = ["type": "array", "items": self]
        guard let rules, !rules.ignoresZero else { return schema }
        if let count = rules.minItems { schema.append("minItems", .number("\(count)")) }
        if let count = rules.maxItems { schema.append("maxItems", .number("\(count)")) }
        return schema
    }

    /// The schema of the numbers among the values; `nil` if there are none. A value that is no number is within no bound.
    private var numberSchema: JSONValue? {
        switch self["type"] {
        case "integer", "number": return self
        default: break
        }
        if case .array(let choices)? = self["anyOf"] { return choices.first { $0["type"] == "number" } }
        return nil
    }
}

extension DynamicMessage.Value {
    /// The value as a number of JSON; `nil` if JSON has none.
    fileprivate var jsonNumber: JSONValue? {
        switch self {
        case .int(let number): .number("\(number)")
        case .uint(let number): .number("\(number)")
        case .float(let number) where number.isFinite: .number("\(number)")
        case .double(let number) where number.isFinite: .number("\(number)")
        default: nil
        }
    }
}

extension ValueRule.Bound {
    /// The keyword of JSON Schema.
    fileprivate var keyword: String {
        switch self {
        case .lt: "exclusiveMaximum"
        case .lte: "maximum"
        case .gt: "exclusiveMinimum"
        case .gte: "minimum"
        }
    }
}
