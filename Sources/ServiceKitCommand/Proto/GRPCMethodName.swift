import SwiftProtobufPluginLibrary

/// A method of a service, with its names in gRPC code.
///
/// The plugin uses the names of the .proto file. If Swift does not accept such a name, the plugin gets a placeholder
/// instead, and its output is corrected afterwards.
struct GRPCMethodName: Hashable, Sendable {
    /// The name on the wire: `Init`.
    let name: String
    /// The name of the function: `` `init` ``.
    let function: String
    /// The name of the type that describes the method: `TypeMethod` for `Type`.
    let type: String

    /// Finds the names for a name in the .proto file, among those of all methods of the service.
    init(_ name: String, among names: Set<String>) {
        self.name = name
        let hasNoLetter = name.allSatisfy { $0 == "_" }
        let lower = Self.lowerCamel(name)
        // `GetUser` keeps its capital if there is a `getUser` too.
        let isShared = names.contains { $0 != name && Self.lowerCamel($0) == lower }
        function = hasNoLetter ? "method\(name)" : SwiftWords.quoted(isShared ? name : lower)
        var type = name
        if hasNoLetter || SwiftWords.all.contains(name) || Self.reserved.contains(name) {
            repeat { type += "Method" } while names.contains(type)
        }
        self.type = type
    }

    /// Whether the plugin would write other names.
    var isChanged: Bool { type != name || function != Self.lowerCamel(name) }

    /// Names that a method's type cannot have: the other members of its outer type, the names that this type is made
    /// of, names that no member can have, and names with a special meaning before a dot.
    private static let reserved: Set<String> = [
        "GRPCCore", "Protocol", "Sendable", "Swift", "Type", "await", "descriptors",
    ]

    /// The plugin's name for a function: leading capitals become small, as in `importCSV` and `csvImport`.
    static func lowerCamel(_ name: String) -> String {
        guard let small = name.firstIndex(where: \.isLowercase) else { return name.lowercased() }
        if small == name.startIndex { return name }
        let end = name.index(before: small)
        if end == name.startIndex { return name[...end].lowercased() + name[small...] }
        return name[..<end].lowercased() + name[end...]
    }

    // MARK: - Placeholders

    static func replacing(_ placeholders: [String: GRPCMethodName], in code: String) -> String {
        if placeholders.isEmpty { return code }
        return code.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            guard line.contains("itMethod") else { return String(line) }
            let isComment = line.drop { $0 == " " }.hasPrefix("//")
            // Names on the wire are in quotes, and gRPC code has no quote inside a string.
            return line.split(separator: "\"", omittingEmptySubsequences: false).enumerated().map { index, part in
                replacing(placeholders, in: String(part), isCode: !isComment && index.isMultiple(of: 2))
            }.joined(separator: "\"")
        }.joined(separator: "\n")
    }

    private static func replacing(_ placeholders: [String: GRPCMethodName], in text: String, isCode: Bool) -> String {
        text.replacing(/([kK]itMethod\d+Name)/) { match in
            let placeholder = Words.capitalized(String(match.1))
            guard let method = placeholders[placeholder] else { return String(match.0) }
            if !isCode { return method.name }
            return match.1.hasPrefix("k") ? method.function : method.type
        }
    }
}
