/// The text of a value in a file, in parts: text, and placeholders such as `${NAME}` and `${a.b:default}`.
///
/// `$${` stands for the text `${`. A placeholder ends at the first `}` that closes it: a default may hold placeholders.
package enum Placeholder {
    /// The beginning of a value that is the contents of a file.
    static let filePrefix = "@file:"
    private static let start = "${"
    private static let escapedStart = "$${"

    enum Part: Equatable {
        case text(String)
        case reference(Reference)
    }

    /// The inside of a placeholder.
    struct Reference: Equatable {
        enum Target: Equatable {
            /// An environment variable: capital letters, digits and underscores.
            case variable(String)
            /// The path of another value: every other name.
            case path(ConfigurationPath)
        }

        var target: Target
        /// The text behind the first colon; `nil` without a colon.
        var defaultText: String?
        /// The name as it is written.
        var name: String
    }

    /// A placeholder that is not well-formed. The message shows nothing of the text, which may be secret.
    struct SyntaxError: Error {
        var message: String
    }

    /// Whether a text means something else than itself.
    static func isIn(_ text: String) -> Bool {
        text.utf8.contains(UInt8(ascii: "$")) && text.contains(start) || text.hasPrefix("@") && isFile(text)
    }

    /// The text with `@@file:` at its beginning read as `@file:`.
    static func withoutFileEscape(_ text: String) -> String {
        text.hasPrefix("@" + filePrefix) ? String(text.dropFirst()) : text
    }

    private static func isFile(_ text: String) -> Bool {
        text.hasPrefix(filePrefix) || text.hasPrefix("@" + filePrefix)
    }

    /// The text in a file's notation.
    package static func escaped(_ text: String) -> String {
        (isFile(text) ? "@" : "") + text.replacing(start, with: escapedStart)
    }

    /// Takes a text apart. Texts and placeholders alternate; an empty text is left out.
    static func parts(of text: String) throws(SyntaxError) -> [Part] {
        var parts: [Part] = []
        var plain = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            plain += rest[..<dollar]
            rest = rest[dollar...]
            if rest.hasPrefix(escapedStart) {
                plain += start
                rest = rest.dropFirst(escapedStart.count)
            } else if rest.hasPrefix(start) {
                if !plain.isEmpty { parts.append(.text(plain)) }
                plain = ""
                rest = rest.dropFirst(start.count)
                parts.append(.reference(try reference(in: inside(&rest))))
            } else {
                plain += "$"
                rest = rest.dropFirst()
            }
        }
        plain += rest
        if !plain.isEmpty { parts.append(.text(plain)) }
        return parts
    }

    /// Takes the text up to the brace that closes a placeholder.
    private static func inside(_ rest: inout Substring) throws(SyntaxError) -> Substring {
        var depth = 1
        var end = rest.startIndex
        while end < rest.endIndex {
            let tail = rest[end...]
            if tail.hasPrefix(escapedStart) {
                end = rest.index(end, offsetBy: escapedStart.count)
                continue
            }
            if tail.hasPrefix(start) { depth += 1 }
            if rest[end] == "}" { depth -= 1 }
            if depth == 0 {
                defer { rest = rest[rest.index(after: end)...] }
                return rest[..<end]
            }
            end = rest.index(after: end)
        }
        throw SyntaxError(message: "a placeholder has no closing brace; write ${NAME}, or $${ for the text ${ itself")
    }

    private static func reference(in text: Substring) throws(SyntaxError) -> Reference {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        let keys = name.split(separator: ".", omittingEmptySubsequences: false)
        guard keys.allSatisfy({ !$0.isEmpty && !$0.contains { "$ {\t\n".contains($0) } }) else {
            throw SyntaxError(
                message:
                    "a placeholder has no name; write ${NAME} for a variable, ${section.key} for another value, or "
                    + "$${ for the text ${ itself"
            )
        }
        let isVariable = name.utf8.allSatisfy { "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_".utf8.contains($0) }
        return Reference(
            target: isVariable ? .variable(name) : .path(ConfigurationPath(name)),
            defaultText: parts.count == 2 ? String(parts[1]) : nil,
            name: name
        )
    }
}
