@testable import ServiceKitProtobuf

/// A small check of values by schemas, with the keywords that ``OpenAPISchemas`` writes (JSON Schema 2020-12).
struct JSONSchema {
    let components: JSONValue

    /// The places of a value that break a schema, with the keywords; empty if there is none.
    func violations(of value: JSONValue, by schema: JSONValue, at path: String = "$") -> [String] {
        guard case .object(let keywords) = schema else { return ["\(path): no schema"] }
        return keywords.flatMap { keyword in
            (check(value, keyword.name, keyword.value, path) ?? [])
                + inner(value, keyword.name, keyword.value, path)
        }
    }

    /// `nil` if a keyword holds for the value itself.
    private func check(
        _ value: JSONValue, _ keyword: String, _ content: JSONValue, _ path: String
    ) -> [String]? {
        func count(_ schemas: JSONValue) -> Int {
            guard case .array(let all) = schemas else { return 0 }
            return all.filter { violations(of: value, by: $0, at: path).isEmpty }.count
        }
        let holds: Bool
        switch (keyword, content, value) {
        case ("type", .string(let type), _): holds = Self.isType(value, type)
        case ("type", .array(let types), _):
            holds = types.contains { if case .string(let type) = $0 { Self.isType(value, type) } else { false } }
        case ("enum", .array(let values), _): holds = values.contains(value)
        case ("anyOf", _, _): holds = count(content) > 0
        case ("oneOf", _, _): holds = count(content) == 1
        case ("not", _, _): holds = !violations(of: value, by: content, at: path).isEmpty
        case ("pattern", .string(let pattern), .string(let text)):
            holds = (try? Regex(pattern).firstMatch(in: text)) != nil
        case ("required", .array(let names), .object(let members)):
            holds = names.allSatisfy { name in members.contains { .string($0.name) == name } }
        case ("minimum", .number(let limit), .number(let number)): holds = (Double(number) ?? 0) >= (Double(limit) ?? 0)
        case ("minLength", .number(let limit), .string(let text)): holds = text.unicodeScalars.count >= Int(limit) ?? 0
        default: holds = true
        }
        return holds ? nil : ["\(path): \(keyword)"]
    }

    /// The violations of the parts of a value, and of referenced schemas.
    private func inner(
        _ value: JSONValue, _ keyword: String, _ content: JSONValue, _ path: String
    ) -> [String] {
        switch (keyword, content, value) {
        case ("$ref", .string(let reference), _):
            let name = String(reference.dropFirst("#/components/schemas/".count))
            guard let target = components[name] else { return ["\(path): no component \(name)"] }
            return violations(of: value, by: target, at: path)
        case ("allOf", .array(let schemas), _):
            return schemas.flatMap { violations(of: value, by: $0, at: path) }
        case ("properties", _, .object(let members)):
            return members.flatMap { member in
                content[member.name].map { violations(of: member.value, by: $0, at: "\(path).\(member.name)") } ?? []
            }
        case ("additionalProperties", .object, .object(let members)):
            return members.flatMap { violations(of: $0.value, by: content, at: "\(path).\($0.name)") }
        case ("propertyNames", _, .object(let members)):
            return members.flatMap { violations(of: .string($0.name), by: content, at: "\(path).\($0.name)") }
        case ("items", _, .array(let elements)):
            return elements.enumerated().flatMap { violations(of: $1, by: content, at: "\(path)[\($0)]") }
        default: return []
        }
    }

    private static func isType(_ value: JSONValue, _ type: String) -> Bool {
        switch (type, value) {
        case ("null", .null), ("boolean", .bool), ("string", .string), ("array", .array), ("object", .object),
            ("number", .number):
            true
        case ("integer", .number(let text)): !text.contains { ".eE".contains($0) }
        default: false
        }
    }
}
