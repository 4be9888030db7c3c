/// Writes types in the syntax of a `.proto` file, for people.
package struct ProtoText: Sendable {
    private let pool: DescriptorPool

    package init(_ pool: DescriptorPool) {
        self.pool = pool
    }

    /// A service with its methods: `rpc GetUser(user.v1.GetUserRequest) returns (user.v1.User);`
    package func service(_ service: ServiceType) -> String {
        let methods = service.methods.map { "  " + method($0) + "\n" }.joined()
        return "service \(service.name) {\n\(methods)}"
    }

    /// A method on one line.
    package func method(_ method: MethodType) -> String {
        let input = (method.isClientStreaming ? "stream " : "") + method.input
        let output = (method.isServerStreaming ? "stream " : "") + method.output
        return "rpc \(method.name)(\(input)) returns (\(output));"
    }

    /// Message types and enums with all types that they use. Each comes once, in the order of first use. Throws
    /// ``DescriptorError`` when a type is missing.
    package func types(_ names: [String]) throws(DescriptorError) -> String {
        var blocks: [String] = []
        var queue = names
        var seen: Set<String> = []
        while !queue.isEmpty {
            let name = queue.removeFirst()
            if !seen.insert(name).inserted { continue }
            if let type = try? pool.enumeration(name) {
                let values = type.values.map { "  \($0.name) = \($0.number);\n" }.joined()
                blocks.append("enum \(name) {\n\(values)}")
                continue
            }
            let (text, used) = try message(try pool.message(name))
            blocks.append(text)
            queue += used
        }
        return blocks.joined(separator: "\n\n")
    }

    private func message(_ type: MessageType) throws(DescriptorError) -> (text: String, used: [String]) {
        var text = "message \(type.name) {\n"
        var used: [String] = []
        var written: Set<Int> = []
        for field in type.fields {
            guard let oneof = field.oneof else {
                text += "  " + (try declaration(field, &used))
                continue
            }
            if !written.insert(oneof).inserted { continue }
            text += "  oneof \(type.oneofs[oneof]) {\n"
            for member in type.fields where member.oneof == oneof { text += "    " + (try declaration(member, &used)) }
            text += "  }\n"
        }
        return (text + "}", used)
    }

    private func declaration(_ field: FieldType, _ used: inout [String]) throws(DescriptorError) -> String {
        if case .message(let name, _) = field.kind, let entry = try? pool.message(name), entry.isMapEntry,
            let key = entry.field(number: 1), let value = entry.field(number: 2)
        {
            let types = "map<\(typeName(key, &used)), \(typeName(value, &used))>"
            return "\(types) \(field.name) = \(field.number);\n"
        }
        var label = ""
        if field.isRepeated {
            label = "repeated "
        } else if field.hasPresence, field.oneof == nil, !field.isMessage {
            label = "optional "
        }
        return "\(label)\(typeName(field, &used)) \(field.name) = \(field.number);\n"
    }

    private func typeName(_ field: FieldType, _ used: inout [String]) -> String {
        switch field.kind {
        case .message(let name, _), .enumeration(let name):
            used.append(name)
            return name
        default:
            return "\(field.kind)"
        }
    }
}

extension FieldType {
    fileprivate var isMessage: Bool {
        if case .message = kind { true } else { false }
    }
}
