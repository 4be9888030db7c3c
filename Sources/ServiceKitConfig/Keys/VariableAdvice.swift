/// The message for an environment variable that sets no known key. It names known keys only.
struct VariableAdvice {
    /// The paths of more than one key, by their keys joined with hyphens: a name with single underscores reads so.
    private let paths: [String: ConfigurationPath]

    init(known: Set<ConfigurationPath>) {
        var paths: [String: ConfigurationPath] = [:]
        for path in known where path.keys.count > 1 && EnvironmentLayer.name(of: path) != nil {
            let joined = Self.joined(path)
            // Of two paths with the same joined keys, always keep the same one.
            if let other = paths[joined], other.description < path.description { continue }
            paths[joined] = path
        }
        self.paths = paths
    }

    /// Advises on a variable that names a known key with wrong underscores; `nil` for any other location.
    func correction(from location: SourceLocation?) -> String? {
        guard let variable = EnvironmentLayer.variable(location), let meant = paths[Self.joined(variable)],
            let name = EnvironmentLayer.name(of: meant), name != variable
        else { return nil }
        return "unknown key; to set \(meant), write \(name), two underscores between parts"
    }

    /// Advises on a variable that resembles the variable of a known key.
    func resemblance(of variable: String) -> String? {
        // Stricter than for a single key: another program's variable must not resemble one by chance.
        let nearest = KeySuggestion.nearest(to: Self.joined(variable), among: paths.keys.sorted(), differingInOneOf: 6)
        guard let nearest, let meant = paths[nearest], let name = EnvironmentLayer.name(of: meant) else { return nil }
        return "unknown key; did you mean \(name)?"
    }

    private static func joined(_ path: ConfigurationPath) -> String {
        path.keys.joined(separator: "-")
    }

    private static func joined(_ variable: String) -> String {
        variable.dropFirst(EnvironmentLayer.prefix.count).lowercased().split(separator: "_").joined(separator: "-")
    }
}
