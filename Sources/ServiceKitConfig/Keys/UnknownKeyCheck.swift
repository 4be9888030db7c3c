/// Finds keys that no type has asked for.
struct UnknownKeyCheck {
    private let claimed: Set<ConfigurationPath>
    /// The claimed names and the names on the way to them, by their parent's path.
    private let names: [ConfigurationPath: Set<String>]
    /// The same, with the keys that the claimed sections have read.
    private let allNames: [ConfigurationPath: Set<String>]
    private let advice: VariableAdvice

    /// Accepts the claimed paths with all keys below them; messages also name the keys that types have asked for.
    init(claimed: Set<ConfigurationPath>, read: Set<ConfigurationPath>) {
        self.claimed = claimed
        names = Self.names(of: claimed)
        allNames = Self.names(of: claimed.union(read))
        advice = VariableAdvice(known: claimed.union(read))
    }

    private static func names(of paths: Set<ConfigurationPath>) -> [ConfigurationPath: Set<String>] {
        var names: [ConfigurationPath: Set<String>] = [:]
        for path in paths {
            var parent = ConfigurationPath()
            for key in path.keys {
                names[parent, default: []].insert(key)
                parent = parent.appending(key)
            }
        }
        return names
    }

    /// - Throws: ``ConfigurationError`` for the first unknown key below `node`.
    func check(_ node: ConfigurationNode, at path: ConfigurationPath = ConfigurationPath()) throws(ConfigurationError) {
        guard !claimed.contains(path), !node.isNull else { return }
        guard let mapping = node.mapping else { throw node.mappingMismatch(at: path, keyPath: path.description) }
        let known = names[path] ?? []
        for entry in mapping.entries {
            let entryPath = path.appending(entry.key)
            guard known.contains(entry.key) else {
                if path.keys.isEmpty, let variable = EnvironmentLayer.variableOfOnePart(entry.keyLocation) {
                    try checkForeign(variable, entry, known: known)
                    continue
                }
                throw ConfigurationError(
                    message: PluginReading.message(forUnknown: entryPath.description)
                        ?? advice.correction(from: entry.keyLocation)
                        ?? KeySuggestion.message(for: entry.key, known: known.sorted()),
                    location: entry.keyLocation,
                    keyPath: entryPath.description
                )
            }
            try check(entry.value, at: entryPath)
        }
    }

    // MARK: - Variables of one part

    /// Checks a variable of one part, such as `KIT_SERVICE_HOST`. It may belong to another program. It is meant for
    /// this one if it begins with a section's name or resembles a known key.
    private func checkForeign(
        _ variable: String,
        _ entry: Mapping.Entry,
        known: Set<String>
    ) throws(ConfigurationError) {
        var message = advice.correction(from: entry.keyLocation)
        if message == nil {
            if case .scalar(let scalar) = entry.value.content, PlatformVariables.hasForm(variable, scalar.text) {
                return
            }
            message = advice.resemblance(of: variable) ?? keys(meantBy: entry.key)
        }
        guard let message else { return }
        throw ConfigurationError(message: message, location: entry.keyLocation, keyPath: entry.key)
    }

    /// The known keys of the section whose name the key begins with; `nil` when there is none.
    private func keys(meantBy key: String) -> String? {
        var section = ConfigurationPath()
        var rest = key[...]
        while let name = allNames[section]?.filter({ rest.hasPrefix($0 + "-") }).max(by: { $0.count < $1.count }) {
            section = section.appending(name)
            rest = rest.dropFirst(name.count + 1)
        }
        guard !section.keys.isEmpty else { return nil }
        let names = allNames[section]?.sorted() ?? []
        guard let example = names.lazy.compactMap({ EnvironmentLayer.name(of: section.appending($0)) }).first else {
            let prefix = EnvironmentLayer.name(of: section).map { "\($0)__" } ?? "two underscores between parts"
            return "unknown key; the variables for \(section) begin with \(prefix)"
        }
        let listed = names.prefix(KeySuggestion.maximumListed).joined(separator: ", ")
        let dots = names.count > KeySuggestion.maximumListed ? ", …" : ""
        return "unknown key; known keys of \(section): \(listed)\(dots); write two underscores between parts, as in "
            + example
    }
}
