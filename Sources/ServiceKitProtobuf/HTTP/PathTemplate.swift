/// A template of paths: `/v1/{name=shelves/*/books/**}:cancel`.
///
/// The grammar is that of `google/api/http.proto`: `*` is one segment, `**` any number of segments at the end; a variable
/// without a template is one segment; a verb stands after the last segment.
package struct PathTemplate: Hashable, Sendable, CustomStringConvertible {
    package enum Segment: Hashable, Sendable {
        case literal(String)
        /// One segment that is not empty.
        case any
        /// All segments that remain.
        case rest
    }

    package struct Variable: Hashable, Sendable {
        /// The path of a field: `user.name`.
        package var name: String
        /// The segments that are the value.
        package var segments: Range<Int>
        /// Whether the value can have several segments. Then an escaped slash in it stays escaped.
        package var isMultiple: Bool
    }

    package let description: String
    package private(set) var segments: [Segment] = []
    package private(set) var variables: [Variable] = []
    /// The verb, without its colon; empty if there is none.
    package private(set) var verb = ""

    /// Throws ``RoutingError`` that names the mistake.
    package init(_ text: String) throws(RoutingError) {
        description = text
        var parser = Parser(text)
        try parser.parse()
        segments = parser.segments
        variables = parser.variables
        verb = parser.verb
    }

    /// The template of a path that has no variables: the path of an RPC.
    package init(literal path: String) {
        description = path
        segments = path.split(separator: "/").map { .literal(String($0)) }
    }
}

extension PathTemplate {
    private struct Parser {
        private let text: String
        private var rest: Substring
        var segments: [Segment] = []
        var variables: [Variable] = []
        var verb = ""

        init(_ text: String) {
            self.text = text
            rest = text[...]
        }

        private func error(_ reason: String) -> RoutingError { RoutingError("the path \(text): \(reason)") }

        private mutating func take(_ character: Character) -> Bool {
            guard rest.first == character else { return false }
            rest.removeFirst()
            return true
        }

        mutating func parse() throws(RoutingError) {
            guard take("/") else { throw error("it must begin with a slash") }
            // The root has no segment.
            if rest.isEmpty { return }
            try parseSegments(inVariable: false)
            if take(":") {
                verb = String(rest)
                rest = ""
                let isName =
                    !verb.isEmpty && verb.allSatisfy { $0 != "/" && $0 != ":" && $0 != "{" && $0 != "}" && $0 != "*" }
                guard isName else { throw error("a verb such as cancel must follow the colon, and end the path") }
            }
            guard rest.isEmpty else { throw error("unexpected \"\(rest.prefix(20))\"") }
            if let index = segments.firstIndex(of: .rest), index < segments.count - 1 {
                throw error("** must be the last segment")
            }
            var names: Set<String> = []
            for variable in variables where !names.insert(variable.name).inserted {
                throw error("the variable \(variable.name) occurs twice")
            }
        }

        private mutating func parseSegments(inVariable: Bool) throws(RoutingError) {
            repeat {
                if take("{") {
                    guard !inVariable else { throw error("a variable cannot be inside of another") }
                    try parseVariable()
                } else if rest.hasPrefix("**") {
                    rest.removeFirst(2)
                    segments.append(.rest)
                } else if take("*") {
                    segments.append(.any)
                } else {
                    let literal = rest.prefix { !"/:{}*=".contains($0) }
                    guard !literal.isEmpty else { throw error("a segment is empty") }
                    guard !literal.contains(where: { $0 == "?" || $0 == "#" || $0.isWhitespace }) else {
                        throw error("\(literal) has a character that no path can have")
                    }
                    segments.append(.literal(String(literal)))
                    rest.removeFirst(literal.count)
                }
            } while take("/")
        }

        private mutating func parseVariable() throws(RoutingError) {
            let name = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." }
            rest.removeFirst(name.count)
            let parts = name.split(separator: ".", omittingEmptySubsequences: false)
            let isPath = parts.allSatisfy { $0.first.map { $0.isLetter || $0 == "_" } ?? false }
            guard isPath else { throw error("a variable must have the name of a field") }
            let start = segments.count
            if take("=") {
                try parseSegments(inVariable: true)
            } else {
                segments.append(.any)
            }
            guard take("}") else { throw error("the variable \(name) has no closing brace") }
            let range = start..<segments.count
            variables.append(
                Variable(name: String(name), segments: range, isMultiple: range.count > 1 || segments[start] == .rest))
        }
    }
}
