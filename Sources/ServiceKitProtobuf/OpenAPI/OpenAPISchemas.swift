/// The schemas of messages and enums, as ``JSONTranscoder`` reads and writes them (JSON Schema 2020-12).
///
/// A message and an enum is a component by its full name. In a form of JSON that is not the document's, the name has the
/// difference behind it: `user.v1.User-int64-as-number`. Protobuf's own types with a JSON of their own stand in place.
struct OpenAPISchemas {
    let pool: DescriptorPool
    let notes: DeclarationNotes
    /// The form of JSON.
    private(set) var options: JSONOptions
    /// The form of JSON that the document has where nothing else is said.
    private let common: JSONOptions
    private let tables: MessageTables
    private let rules: ValidationRules
    /// The components that are done, by full name.
    private(set) var components: [String: JSONValue] = [:]
    private var waiting: [(name: String, component: String, options: JSONOptions)] = []

    init(_ pool: DescriptorPool, _ options: JSONOptions) {
        self.pool = pool
        self.options = options
        common = options
        notes = DeclarationNotes(pool)
        tables = MessageTables(pool)
        rules = ValidationRules(pool)
    }

    /// Has the schemas from now on in a form of JSON.
    mutating func use(_ options: JSONOptions) { self.options = options }

    /// The mark behind the names of components whose form of JSON is not the document's.
    private var suffix: String {
        func word(_ form: KeyPath<JSONOptions, Bool>, _ yes: String, _ no: String) -> String? {
            options[keyPath: form] == common[keyPath: form] ? nil : options[keyPath: form] ? yes : no
        }
        let words = [
            word(\.int64AsNumber, "int64-as-number", "int64-as-string"),
            word(\.enumsAsNumbers, "enums-as-numbers", "enums-as-names"),
            word(\.usesProtoNames, "proto-names", "json-names"),
        ]
        return words.compactMap { $0.map { "-\($0)" } }.joined()
    }

    // MARK: - Messages

    /// The form of a message in JSON; `nil` if its descriptor is missing.
    func form(of message: String) -> MessageTable.Form? {
        (try? tables.index(of: message)).map { tables.messages[$0].form }
    }

    /// The name of a field in JSON.
    func name(of field: FieldType) -> String { options.usesProtoNames ? field.name : field.jsonName }

    /// The schema of a message: a reference, or in place.
    mutating func message(_ name: String) -> JSONValue {
        guard let form = form(of: name) else { return [:] }
        switch form {
        case .object: return reference(name)
        case .wrapper:
            guard let field = try? pool.message(name).fields.first else { return [:] }
            return value(field.kind).orNull
        default: return Self.ownType(form)
        }
    }

    /// The schema of an object with the fields of a message, but for some.
    mutating func object(_ name: String, without excluded: Set<String> = []) -> JSONValue {
        guard let type = try? pool.message(name) else { return [:] }
        var schema: JSONValue = ["type": "object"]
        if let comment = notes.comment(on: name) { schema.append("description", .string(comment)) }
        if notes.isDeprecated(name) { schema.append("deprecated", true) }
        let fields = type.fields.filter { !excluded.contains($0.name) }
        schema.append(
            "properties", .object(fields.map { JSONValue.Member(self.name(of: $0), self.field($0, of: name)) }))
        let required = fields.filter { isRequired($0, of: name) }.map { JSONValue.string(self.name(of: $0)) }
        if !required.isEmpty { schema.append("required", .array(required)) }
        let choices = type.oneofs.indices.compactMap { oneof in
            Self.choice(fields.filter { $0.oneof == oneof }.map { self.name(of: $0) })
        }
        if choices.count == 1 { schema.append("oneOf", choices[0]) }
        if choices.count > 1 { schema.append("allOf", .array(choices.map { ["oneOf": $0] })) }
        return schema
    }

    /// Whether a message without the field breaks a rule.
    func isRequired(_ field: FieldType, of message: String) -> Bool { rules.isRequired(field, of: message) }

    /// The branches of a oneof: one of its fields, or none of them.
    private static func choice(_ names: [String]) -> JSONValue? {
        guard names.count > 1 else { return nil }
        let branches = names.map { name -> JSONValue in ["required": [.string(name)]] }
        return .array(branches + [["not": ["anyOf": .array(branches)]]])
    }

    private mutating func reference(_ name: String) -> JSONValue {
        let component = name + suffix
        if components[component] == nil {
            // Holds the place, since a message may have itself in it.
            components[component] = [:]
            waiting.append((name, component, options))
        }
        return ["$ref": .string("#/components/schemas/\(component)")]
    }

    /// Makes the schemas of all types that were named, and of those in them.
    mutating func complete() {
        while let next = waiting.popLast() {
            options = next.options
            components[next.component] = (try? pool.enumeration(next.name)).map(enumeration) ?? object(next.name)
        }
    }

    // MARK: - Fields

    /// The schema of a field, with its comment and the rules that JSON Schema has too.
    mutating func field(_ field: FieldType, of message: String) -> JSONValue {
        let rules = rules.rules(of: field, in: message)
        var schema: JSONValue
        if let map = map(field) {
            schema = map
        } else {
            schema = value(field.kind).limited(by: rules, field.kind)
            if field.isRepeated { schema = schema.list(limitedBy: rules) }
        }
        let name = "\(message).\(field.name)"
        if let comment = notes.comment(on: name) { schema.append("description", .string(comment)) }
        if notes.isDeprecated(name) { schema.append("deprecated", true) }
        return schema
    }

    /// The types of the key and the value, if a field is a map.
    func entry(of field: FieldType) -> (key: FieldType, value: FieldType)? {
        guard field.isRepeated, case .message(let name, _) = field.kind, let entry = try? pool.message(name),
            entry.isMapEntry, let key = entry.field(number: 1), let value = entry.field(number: 2)
        else { return nil }
        return (key, value)
    }

    private mutating func map(_ field: FieldType) -> JSONValue? {
        guard let (key, content) = entry(of: field) else { return nil }
        var schema: JSONValue = ["type": "object", "additionalProperties": value(content.kind)]
        switch key.kind {
        case .string: break
        case .bool: schema.append("propertyNames", ["enum": ["true", "false"]])
        case .uint32, .uint64, .fixed32, .fixed64: schema.append("propertyNames", ["pattern": .string(Self.natural)])
        default: schema.append("propertyNames", ["pattern": .string(Self.integer)])
        }
        return schema
    }

    /// The schema of a single value.
    mutating func value(_ kind: FieldType.Kind) -> JSONValue {
        switch kind {
        case .message(let name, _): message(name)
        case .enumeration("google.protobuf.NullValue"): ["type": "null"]
        case .enumeration(let name): reference(name)
        default: Self.scalar(kind, options)
        }
    }

    private func enumeration(_ type: EnumType) -> JSONValue {
        var lines: [String] = []
        if let comment = notes.comment(on: type.name) { lines.append(comment) }
        let comments = type.values.compactMap { value in
            notes.comment(on: "\(type.name).\(value.name)").map { comment in
                let name = options.enumsAsNumbers ? "\(value.number), \(value.name)" : value.name
                return "- `\(name)`: \(comment.replacing("\n", with: " "))"
            }
        }
        if !comments.isEmpty { lines.append(comments.joined(separator: "\n")) }
        var schema: JSONValue =
            options.enumsAsNumbers ? ["type": "integer", "format": "int32"] : ["type": "string"]
        if !lines.isEmpty { schema.append("description", .string(lines.joined(separator: "\n\n"))) }
        if notes.isDeprecated(type.name) { schema.append("deprecated", true) }
        var numbers: Set<Int32> = []
        let values = type.values.filter { !options.enumsAsNumbers || numbers.insert($0.number).inserted }
        schema.append(
            "enum", .array(values.map { options.enumsAsNumbers ? .number("\($0.number)") : .string($0.name) }))
        return schema
    }
}
