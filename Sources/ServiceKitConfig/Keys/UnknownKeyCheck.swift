/// Looks for keys that no one asked for.
struct UnknownKeyCheck {
    private let claimed: Set<ConfigurationPath>
    /// The names that are claimed, or lead to claimed ones, by what is above them.
    private let names: [ConfigurationPath: Set<String>]

    init(claimed: Set<ConfigurationPath>) {
        self.claimed = claimed
        var names: [ConfigurationPath: Set<String>] = [:]
        for path in claimed {
            var parent = ConfigurationPath()
            for key in path.keys {
                names[parent, default: []].insert(key)
                parent = parent.appending(key)
            }
        }
        self.names = names
    }

    /// - Throws: ``ConfigurationError`` for the first unknown key below `node`.
    func check(_ node: ConfigurationNode, at path: ConfigurationPath = ConfigurationPath()) throws(ConfigurationError) {
        guard !claimed.contains(path), !node.isNull else { return }
        guard let mapping = node.mapping else {
            throw node.mismatch(expected: "a mapping", keyPath: path.description)
        }
        let known = names[path] ?? []
        for entry in mapping.entries {
            let entryPath = path.appending(entry.key)
            guard known.contains(entry.key) else {
                if path.keys.isEmpty, let variable = EnvironmentLayer.variableOfOnePart(entry.keyLocation) {
                    try checkForeign(variable, key: entry.key, known: known)
                    continue
                }
                throw ConfigurationError(
                    message: KeySuggestion.message(for: entry.key, known: known.sorted()),
                    location: entry.keyLocation,
                    keyPath: entryPath.description
                )
            }
            try check(entry.value, at: entryPath)
        }
    }

    /// A variable such as `KIT_SERVICE_HOST` may be someone else's: Kubernetes sets it for any service called "kit". One
    /// that begins with the name of a section was meant for it.
    private func checkForeign(_ variable: String, key: String, known: Set<String>) throws(ConfigurationError) {
        guard let section = known.first(where: { key.hasPrefix($0 + "-") }) else { return }
        let rest = key.dropFirst(section.count + 1)
        throw ConfigurationError(
            message:
                "unknown key; to set \(section).\(rest), write \(EnvironmentLayer.name(of: [section, String(rest)])), "
                + "two underscores between parts",
            location: SourceLocation(origin: EnvironmentLayer.origin(of: variable)),
            keyPath: key
        )
    }
}
