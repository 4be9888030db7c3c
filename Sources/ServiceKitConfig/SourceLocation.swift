/// The place of a configuration value: file, variable or option.
///
/// Editors and shells understand its description: `config/app.yaml:14:5`, `environment variable
/// KIT_SERVER__GRPC__LISTEN`, `--set server.grpc.listen`.
public struct SourceLocation: Sendable, Hashable, CustomStringConvertible {
    /// The path of the file as it was given, or the name of the variable or option.
    public let origin: String

    /// The line, counted from 1; `nil` if the origin has no lines.
    public let line: Int?

    /// The column, counted in characters from 1; `nil` if the origin has no columns.
    public let column: Int?

    /// Creates a location. Lines and columns are counted from 1, columns in characters.
    public init(origin: String, line: Int? = nil, column: Int? = nil) {
        self.origin = origin
        self.line = line
        self.column = column
    }

    /// `origin:line:column`, without the parts that are not known.
    public var description: String {
        guard let line else { return origin }
        guard let column else { return "\(origin):\(line)" }
        return "\(origin):\(line):\(column)"
    }
}
