internal import SwiftProtobuf

/// The notes of `.proto` files about their declarations, beside the types: comments, and whether they are deprecated.
///
/// Comments are there only if the descriptors keep them, as `kit proto generate` does.
package struct DeclarationNotes: Sendable {
    private var comments: [String: String] = [:]
    private var deprecated: Set<String> = []

    package init(_ pool: DescriptorPool) {
        for file in pool.files.values { read(file) }
    }

    /// The comment before a declaration, or behind it on its line; `nil` if there is none. The name is the full one:
    /// `user.v1.User.name`. An enum's value stands inside of the enum here.
    package func comment(on name: String) -> String? { comments[name] }

    /// Whether a declaration is deprecated.
    package func isDeprecated(_ name: String) -> Bool { deprecated.contains(name) }

    // MARK: - Reading

    /// The numbers of the fields on the way from a file to a declaration (`google/protobuf/descriptor.proto`).
    private typealias Path = [Int32]

    private mutating func read(_ file: Google_Protobuf_FileDescriptorProto) {
        var names: [Path: String] = [:]
        let prefix = file.package.isEmpty ? "" : file.package + "."
        for (index, message) in file.messageType.enumerated() { add(message, prefix, [4, Int32(index)], &names) }
        for (index, type) in file.enumType.enumerated() { add(type, prefix, [5, Int32(index)], &names) }
        for (index, service) in file.service.enumerated() {
            let name = prefix + service.name
            let path: Path = [6, Int32(index)]
            names[path] = name
            if service.options.deprecated { deprecated.insert(name) }
            for (index, method) in service.method.enumerated() {
                names[path + [2, Int32(index)]] = "\(name).\(method.name)"
                if method.options.deprecated { deprecated.insert("\(name).\(method.name)") }
            }
        }
        for location in file.sourceCodeInfo.location {
            guard let name = names[location.path] else { continue }
            let text = location.hasLeadingComments ? location.leadingComments : location.trailingComments
            let comment = Self.text(of: text)
            if !comment.isEmpty { comments[name] = comment }
        }
    }

    private mutating func add(
        _ message: Google_Protobuf_DescriptorProto, _ prefix: String, _ path: Path, _ names: inout [Path: String]
    ) {
        let name = prefix + message.name
        names[path] = name
        if message.options.deprecated { deprecated.insert(name) }
        for (index, field) in message.field.enumerated() {
            names[path + [2, Int32(index)]] = "\(name).\(field.name)"
            if field.options.deprecated { deprecated.insert("\(name).\(field.name)") }
        }
        for (index, nested) in message.nestedType.enumerated() {
            add(nested, name + ".", path + [3, Int32(index)], &names)
        }
        for (index, type) in message.enumType.enumerated() { add(type, name + ".", path + [4, Int32(index)], &names) }
    }

    private mutating func add(
        _ type: Google_Protobuf_EnumDescriptorProto, _ prefix: String, _ path: Path, _ names: inout [Path: String]
    ) {
        let name = prefix + type.name
        names[path] = name
        if type.options.deprecated { deprecated.insert(name) }
        for (index, value) in type.value.enumerated() { names[path + [2, Int32(index)]] = "\(name).\(value.name)" }
    }

    /// A comment without the space after `//`, and without empty lines around it.
    private static func text(of comment: String) -> String {
        var lines = comment.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            var line = line.first == " " ? line.dropFirst() : line
            while line.last?.isWhitespace == true { line.removeLast() }
            return line
        }
        while lines.first?.isEmpty == true { lines.removeFirst() }
        while lines.last?.isEmpty == true { lines.removeLast() }
        return lines.joined(separator: "\n")
    }
}
