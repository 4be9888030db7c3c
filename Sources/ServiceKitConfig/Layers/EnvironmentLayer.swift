/// The layer of environment variables: `KIT_REGISTRY__FILE__DIRECTORY` sets `registry.file.directory`.
enum EnvironmentLayer {
    static let prefix = "KIT_"

    /// Variables with the prefix that set no key. They name the files to read.
    static let reserved: Set<String> = ["KIT_CONFIG", "KIT_PROFILE"]

    /// Merges the variables into `root`, in the order of their names. The platform's variables are left out.
    static func apply(
        _ environment: [String: String],
        to root: ConfigurationNode
    ) throws(ConfigurationError) -> ConfigurationNode {
        var root = root
        var variables: [ConfigurationPath: String] = [:]
        let platform = PlatformVariables(environment)
        for (name, text) in environment.sorted(by: { $0.key < $1.key })
        where name.hasPrefix(prefix) && !reserved.contains(name) && !platform.contains(name, text) {
            let path = try path(of: name)
            if let other = variables.updateValue(name, forKey: path) {
                throw ConfigurationError(
                    message: "the environment variable \(other) sets the same key; unset one of them",
                    location: location(of: name),
                    keyPath: path.description
                )
            }
            root = try root.setting(
                InlineValue.node(text, location: location(of: name), at: path.description), at: path)
        }
        return root
    }

    private static func path(of name: String) throws(ConfigurationError) -> ConfigurationPath {
        let keys = name.dropFirst(prefix.count)
            .split(separator: "__", omittingEmptySubsequences: false)
            .map { $0.lowercased().map { $0 == "_" ? "-" : String($0) }.joined() }
        guard keys.allSatisfy({ !$0.isEmpty && !$0.hasPrefix("-") && !$0.hasSuffix("-") }) else {
            throw ConfigurationError(
                message: "a part of the name is empty; write \(prefix)SECTION__KEY, two underscores between parts",
                location: location(of: name)
            )
        }
        return ConfigurationPath(keys: keys)
    }

    private static func location(of name: String) -> SourceLocation {
        SourceLocation(origin: origin(of: name))
    }

    private static let originPrefix = "environment variable "

    /// The name of a variable in errors.
    static func origin(of name: String) -> String {
        originPrefix + name
    }

    /// The variable that sets a path. `nil` when there is none: a key may contain a dot or capital letters.
    static func name(of path: ConfigurationPath) -> String? {
        let isNameable = path.keys.allSatisfy { key in
            !key.isEmpty && !key.hasPrefix("-") && !key.hasSuffix("-") && !key.contains("--")
                && key.utf8.allSatisfy { "abcdefghijklmnopqrstuvwxyz0123456789-".utf8.contains($0) }
        }
        guard isNameable, !path.keys.isEmpty else { return nil }
        let parts = path.keys.map { $0.uppercased().map { $0 == "-" ? "_" : String($0) }.joined() }
        return prefix + parts.joined(separator: "__")
    }

    /// The variable's name, if a location is a variable.
    static func variable(_ location: SourceLocation?) -> String? {
        guard let origin = location?.origin, origin.hasPrefix(originPrefix) else { return nil }
        return String(origin.dropFirst(originPrefix.count))
    }

    /// The variable's name, if it has no double underscore.
    static func variableOfOnePart(_ location: SourceLocation?) -> String? {
        variable(location).flatMap { $0.contains("__") ? nil : $0 }
    }
}
