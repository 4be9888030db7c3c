/// The path of an operation in OpenAPI's form: `/v1/shelves/{name}:cancel`.
///
/// OpenAPI has only variables of one segment. So a variable with a template, `{name=shelves/*}`, becomes the segments of its
/// template; each `*` of it is a parameter. `**` is a parameter too, whose value may have slashes.
struct OpenAPIPath {
    struct Parameter {
        /// The name in the path.
        var name: String
        /// The path of the field in the message that the parameter is the whole value of; `nil` if there is none.
        var field: String?
        /// The meaning of the parameter, if no field says so.
        var note: String?
    }

    /// The text between the parameters.
    private var parts: [String] = [""]
    private(set) var parameters: [Parameter] = []

    init(_ template: PathTemplate) {
        for (index, segment) in template.segments.enumerated() {
            parts[parts.count - 1] += "/"
            guard case .literal(let literal) = segment else {
                parameters.append(Self.parameter(at: index, of: template))
                parts.append("")
                continue
            }
            parts[parts.count - 1] += literal
        }
        if template.segments.isEmpty { parts[0] = "/" }
        if !template.verb.isEmpty { parts[parts.count - 1] += ":\(template.verb)" }
    }

    private static func parameter(at index: Int, of template: PathTemplate) -> Parameter {
        let isRest = template.segments[index] == .rest
        let several = isRest ? "any number of segments, with the slashes between them" : nil
        guard let variable = template.variables.first(where: { $0.segments.contains(index) }) else {
            return Parameter(name: "segment\(index + 1)", note: several ?? "any segment")
        }
        if variable.segments.count == 1 {
            return Parameter(name: variable.name, field: variable.name, note: several)
        }
        // The value of the field is the literals too.
        let text = variable.segments.map { template.segments[$0].text }.joined(separator: "/")
        let wildcards = variable.segments.filter { template.segments[$0].isWildcard }
        let place = wildcards.firstIndex(of: index).map { $0 + 1 } ?? 1
        return Parameter(
            name: wildcards.count == 1 ? variable.name : "\(variable.name).\(place)",
            note: "a part of `\(variable.name)`, which is `\(text)`" + (several.map { ": \($0)" } ?? ""))
    }

    /// The path with the names of its parameters.
    var text: String {
        zip(parts, parameters.map { "{\($0.name)}" } + [""]).map { $0 + $1 }.joined()
    }

    /// Two paths of one shape are the same to OpenAPI.
    var shape: String { parts.joined(separator: "{}") }

    /// The path with the names of another of the same shape.
    func named(as other: OpenAPIPath) -> OpenAPIPath {
        var path = self
        for index in path.parameters.indices { path.parameters[index].name = other.parameters[index].name }
        return path
    }
}

extension PathTemplate.Segment {
    fileprivate var isWildcard: Bool { self == .any || self == .rest }

    fileprivate var text: String {
        switch self {
        case .literal(let text): text
        case .any: "*"
        case .rest: "**"
        }
    }
}
