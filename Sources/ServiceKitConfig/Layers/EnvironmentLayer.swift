/// The layer of environment variables: `KIT_REGISTRY__FILE__DIRECTORY` sets `registry.file.directory`.
enum EnvironmentLayer {
    static let prefix = "KIT_"

    /// Variables with the prefix that mean something else: which files are read.
    static let reserved: Set<String> = ["KIT_CONFIG", "KIT_PROFILE"]

    /// Merges the variables into `root`, in the order of their names.
    static func apply(
        _ environment: [String: String],
        to root: ConfigurationNode
    ) throws(ConfigurationError) -> ConfigurationNode {
        var root = root
        var variables: [ConfigurationPath: String] = [:]
        let names = environment.keys.filter { $0.hasPrefix(prefix) && !reserved.contains($0) }
        for name in names.sorted() {
            let path = try path(of: name)
            if let other = variables.updateValue(name, forKey: path) {
                throw ConfigurationError(
                    message: "the environment variable \(other) sets the same key; unset one of them",
                    location: location(of: name),
                    keyPath: path.description
                )
            }
            let value = try node(for: environment[name] ?? "", of: name, at: path)
            root = try root.setting(value, at: path)
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

    /// Only a list or a mapping is YAML. Everything else is taken literally, so that a password may hold any
    /// character.
    private static func node(
        for text: String,
        of name: String,
        at path: ConfigurationPath
    ) throws(ConfigurationError) -> ConfigurationNode {
        let location = location(of: name)
        guard text.hasPrefix("[") || text.hasPrefix("{") else {
            return ConfigurationNode(.scalar(.init(text: text, form: .literal)), location: location)
        }
        let origin = YAMLComposer.Origin(name: location.origin, hasLines: false)
        return try YAMLComposer.compose(Array(text.utf8), origin: origin, at: path.description) ?? .absent
    }

    private static func location(of name: String) -> SourceLocation {
        SourceLocation(origin: origin(of: name))
    }

    private static let originPrefix = "environment variable "

    /// What errors call a variable.
    static func origin(of name: String) -> String {
        originPrefix + name
    }

    /// The variable that sets a path.
    static func name(of keys: [String]) -> String {
        prefix + keys.map { $0.uppercased().map { $0 == "-" ? "_" : String($0) }.joined() }.joined(separator: "__")
    }

    /// The name of the variable that something comes from, if it is one whose name has no double underscore.
    static func variableOfOnePart(_ location: SourceLocation?) -> String? {
        guard let origin = location?.origin, origin.hasPrefix(originPrefix) else { return nil }
        let name = origin.dropFirst(originPrefix.count)
        return name.contains("__") ? nil : String(name)
    }
}
