internal import SwiftProtobuf

/// The rules of the messages in a pool, from the options `buf.validate` of their fields
/// (https://buf.build/docs/protovalidate).
///
/// Understood are, with protovalidate's meaning: `required`, `ignore`; of numbers `lt`, `lte`, `gt`, `gte`; of strings `len`,
/// `min_len`, `max_len`, `pattern`; of enums `defined_only`; of lists `min_items`, `max_items`, `items`; and all of them in
/// nested messages. The rest is named in ``ignored``.
package struct ValidationRules: Sendable {
    /// A field that breaks a rule.
    package struct Violation: Hashable, Sendable {
        /// The path of the field: `user.emails[2]`.
        package var field: String
        /// The rule that the field breaks: `string.min_len`.
        package var rule: String
        /// A sentence for people.
        package var message: String
    }

    /// The most violations that are told of one message.
    static let maxViolations = 20

    /// The rules that are not understood, by field: `user.v1.User.email: string.email`. Nobody checks them.
    package private(set) var ignored: [String] = []
    private let pool: DescriptorPool
    private(set) var rules: [String: [FieldRules]] = [:]
    /// The types that have rules, themselves or in a message below.
    private var concerned: Set<String> = []

    /// Reads the rules of all messages.
    package init(_ pool: DescriptorPool) {
        self.pool = pool
        for file in pool.files.values.sorted(by: { $0.name < $1.name }) {
            let prefix = file.package.isEmpty ? "" : file.package + "."
            for message in file.messageType { add(message, prefix) }
        }
        concerned = Set(rules.keys)
        // A type that has a concerned type in it is concerned too, over any number of steps.
        var outer: [String: Set<String>] = [:]
        for type in pool.messageTypes {
            for case .message(let inner, _) in type.fields.map(\.kind) { outer[inner, default: []].insert(type.name) }
        }
        var waiting = Array(concerned)
        while let type = waiting.popLast() {
            for next in outer[type] ?? [] where concerned.insert(next).inserted { waiting.append(next) }
        }
    }

    /// Whether a message of a type can break a rule.
    package func concern(_ type: String) -> Bool { concerned.contains(type) }

    // MARK: - Reading

    private mutating func add(_ proto: Google_Protobuf_DescriptorProto, _ prefix: String) {
        let name = prefix + proto.name
        for nested in proto.nestedType { add(nested, name + ".") }
        if CustomOption.bytes(1159, of: proto.hasOptions ? proto.options : nil) != nil {
            ignored.append("\(name): message")
        }
        for oneof in proto.oneofDecl where CustomOption.bytes(1159, of: oneof.hasOptions ? oneof.options : nil) != nil {
            ignored.append("\(name).\(oneof.name): oneof")
        }
        guard let type = try? pool.message(name) else { return }
        for field in proto.field {
            guard let bytes = CustomOption.bytes(1159, of: field.hasOptions ? field.options : nil),
                let field = type.field(number: field.number)
            else { continue }
            var reader = FieldRulesReader(field: field, pool: pool)
            let rules = reader.read(bytes)
            ignored += reader.ignored.map { "\(name).\(field.name): \($0)" }
            if let rules { self.rules[name, default: []].append(rules) }
        }
    }

    // MARK: - Checking

    /// The rules that a message breaks, the first few.
    ///
    /// - Parameters:
    ///   - bytes: The message, in the wire format.
    ///   - type: The full name of its type.
    /// - Throws: ``DescriptorError`` when the bytes are no such message.
    package func violations(of bytes: [UInt8], as type: String) throws(DescriptorError) -> [Violation] {
        var found: [Violation] = []
        check(try DynamicMessage(bytes, as: type, in: pool), at: "", &found)
        return found
    }

    private func check(_ message: DynamicMessage, at path: String, _ found: inout [Violation]) {
        guard concerned.contains(message.type) else { return }
        for field in rules[message.type] ?? [] {
            field.check(message.values[field.type.number] ?? [], at: path + field.type.name, &found)
            if found.count >= Self.maxViolations { return }
        }
        guard let type = try? pool.message(message.type) else { return }
        for field in type.fields {
            guard case .message(let inner, _) = field.kind, concerned.contains(inner) else { continue }
            for (index, value) in (message.values[field.number] ?? []).enumerated() {
                guard case .message(let nested) = value, found.count < Self.maxViolations else { continue }
                check(nested, at: path + field.name + (field.isRepeated ? "[\(index)]" : "") + ".", &found)
            }
        }
    }
}
