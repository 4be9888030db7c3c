/// The parameters of an operation: the variables of its path, and the fields that the query may give.
struct OpenAPIParameters {
    /// The bounds of the query's parameters: how deep messages are nested, and how many there are.
    private static let maxDepth = 5
    private static let maxCount = 200

    private let input: String
    private(set) var values: [JSONValue] = []

    /// The parameters of an operation at a path.
    init(_ path: OpenAPIPath, _ operation: HTTPOperation, _ schemas: inout OpenAPISchemas) {
        input = operation.method.input
        // The bytes of any type are the whole request.
        let isRaw = input == OpenAPIOperation.httpBody
        for parameter in path.parameters { add(parameter, isRaw, &schemas) }
        if operation.rule.body == "*" || isRaw { return }
        var excluded = Set(operation.template.variables.map { self.protoPath($0.name, schemas) })
        if !operation.rule.body.isEmpty { excluded.insert(protoPath(operation.rule.body, schemas)) }
        addQuery(of: input, [], excluded, &schemas)
    }

    private mutating func add(_ parameter: OpenAPIPath.Parameter, _ isRaw: Bool, _ schemas: inout OpenAPISchemas) {
        var value: JSONValue = ["name": .string(parameter.name), "in": "path", "required": true]
        let field = isRaw ? nil : parameter.field.flatMap { fields($0, schemas) }
        let schema = field.map { text($0.field, of: $0.message, &schemas) } ?? ["type": "string"]
        describe(&value, schema, parameter.note)
    }

    /// Adds the fields of a message that text can give.
    private mutating func addQuery(
        of message: String, _ outer: [(type: String, field: FieldType)], _ excluded: Set<String>,
        _ schemas: inout OpenAPISchemas
    ) {
        guard let type = try? schemas.pool.message(message), outer.count < Self.maxDepth else { return }
        for field in type.fields where values.count < Self.maxCount {
            let chain = outer + [(message, field)]
            guard !excluded.contains(chain.map(\.field.name).joined(separator: ".")) else { continue }
            let name = chain.map { schemas.name(of: $0.field) }.joined(separator: ".")
            var value: JSONValue = ["name": .string(name), "in": "query"]
            // A field in a message that is not given is not missing.
            if outer.isEmpty, schemas.isRequired(field, of: message) { value.append("required", true) }
            if let entry = schemas.entry(of: field) {
                guard isText(entry.value.kind, schemas) else { continue }
                value.append("style", "deepObject")
                value.append("explode", true)
                describe(&value, schemas.field(field, of: message), nil)
                continue
            }
            if isText(field.kind, schemas) {
                if case .enumeration("google.protobuf.NullValue") = field.kind { continue }
                describe(&value, text(field, of: message, &schemas), nil)
            } else if case .message(let inner, _) = field.kind, !field.isRepeated,
                [.object, .empty].contains(schemas.form(of: inner)), !chain.contains(where: { $0.type == inner })
            {
                addQuery(of: inner, chain, excluded, &schemas)
            }
        }
    }

    /// Whether text can give a value.
    private func isText(_ kind: FieldType.Kind, _ schemas: OpenAPISchemas) -> Bool {
        guard case .message(let name, let isDelimited) = kind else { return true }
        guard !isDelimited, let form = schemas.form(of: name) else { return false }
        return [.timestamp, .duration, .fieldMask, .wrapper].contains(form)
    }

    /// The schema of a field that is given as text, which has no null.
    private func text(_ field: FieldType, of message: String, _ schemas: inout OpenAPISchemas) -> JSONValue {
        guard case .message(let name, _) = field.kind, schemas.form(of: name) == .wrapper,
            let content = try? schemas.pool.message(name).fields.first
        else { return schemas.field(field, of: message) }
        var schema = schemas.value(content.kind)
        if field.isRepeated { schema = schema.list(limitedBy: nil) }
        if let comment = schemas.notes.comment(on: "\(message).\(field.name)") {
            schema.append("description", .string(comment))
        }
        return schema
    }

    /// Adds a parameter. The description of its schema becomes its own.
    private mutating func describe(_ value: inout JSONValue, _ schema: JSONValue, _ note: String?) {
        var members: [JSONValue.Member] = []
        if case .object(let all) = schema { members = all }
        if case .string(let text)? = schema["description"] {
            value.append("description", .string(note.map { "\(text)\n\n\($0)" } ?? text))
        } else if let note {
            value.append("description", .string(note))
        }
        if schema["deprecated"] != nil { value.append("deprecated", true) }
        value.append("schema", .object(members.filter { !["description", "deprecated"].contains($0.name) }))
        values.append(value)
    }

    // MARK: - Paths of fields

    /// The last field of a path, and its message; `nil` if there is none.
    private func fields(_ path: String, _ schemas: OpenAPISchemas) -> (message: String, field: FieldType)? {
        chain(path, schemas)?.last
    }

    /// A path in the names of the `.proto` file.
    private func protoPath(_ path: String, _ schemas: OpenAPISchemas) -> String {
        chain(path, schemas)?.map(\.field.name).joined(separator: ".") ?? path
    }

    private func chain(_ path: String, _ schemas: OpenAPISchemas) -> [(message: String, field: FieldType)]? {
        var message = input
        var chain: [(message: String, field: FieldType)] = []
        for part in path.split(separator: ".") {
            guard let field = try? schemas.pool.message(message).field(named: String(part)) else { return nil }
            chain.append((message, field))
            if case .message(let inner, _) = field.kind { message = inner }
        }
        return chain
    }
}
