extension ConfigurationNode {
    /// The tree with a later layer on top: mappings are merged key by key; every other value is replaced. A key without a
    /// value changes nothing in a mapping below it: `log:` is what remains when all its options are comments. `log: null`
    /// replaces it.
    func merged(with later: ConfigurationNode) -> ConfigurationNode {
        overlaid(with: later, isDefault: false)
    }

    /// The defaults of a section with the configured values on top.
    func asDefaults(for configured: ConfigurationNode) -> ConfigurationNode {
        overlaid(with: configured, isDefault: true)
    }

    private func overlaid(with later: ConfigurationNode, isDefault: Bool) -> ConfigurationNode {
        if !isDefault, mapping != nil, later.isUnwritten { return self }
        guard case .mapping(var result) = content, case .mapping(let upper) = later.content else { return later }
        if result.isEnumCase, let key = upper.entries.first?.key, result[key] == nil { return later }
        for var entry in upper.entries {
            if let lower = result[entry.key]?.value {
                if isDefault, entry.value.isNull, lower.mapping != nil {
                    // The entry has a hidden default already if the section around it hid one. That one wins.
                    entry.hiddenDefault = entry.hiddenDefault.map(lower.asDefaults) ?? lower
                }
                entry.value = lower.overlaid(with: entry.value, isDefault: isDefault)
            }
            result.set(entry)
        }
        return ConfigurationNode(.mapping(result), location: later.location ?? location)
    }

    /// The tree with `value` merged in at `path`. Missing nodes on the way are created. Throws when a node on the way
    /// is neither a mapping nor null, or the tree becomes too deep.
    func setting(
        _ value: ConfigurationNode, at path: ConfigurationPath
    ) throws(ConfigurationError)
        -> ConfigurationNode
    {
        guard path.keys.count + value.height <= YAMLLimits.maximumDepth else {
            throw ConfigurationError(
                message: "nested deeper than \(YAMLLimits.maximumDepth) levels",
                location: value.location,
                keyPath: path.description
            )
        }
        return try setting(value, at: path, from: 0)
    }

    private func setting(
        _ value: ConfigurationNode,
        at path: ConfigurationPath,
        from depth: Int
    ) throws(ConfigurationError) -> ConfigurationNode {
        guard depth < path.keys.count else { return merged(with: value) }
        guard isNull || mapping != nil else {
            let parent = ConfigurationPath(keys: Array(path.keys[..<depth]))
            let place = location.map { " (\($0))" } ?? ""
            throw ConfigurationError(
                message: "cannot set a key below \"\(parent)\", which is \(kind)\(place)",
                location: value.location,
                keyPath: path.description
            )
        }
        var mapping = mapping ?? Mapping()
        let key = path.keys[depth]
        let existing = mapping[key]
        let child = try (existing?.value ?? .absent).setting(value, at: path, from: depth + 1)
        let isLeaf = depth == path.keys.count - 1
        let keyLocation = isLeaf ? value.location : existing?.keyLocation ?? value.location
        mapping.set(Mapping.Entry(key: key, keyLocation: keyLocation, value: child))
        return ConfigurationNode(.mapping(mapping), location: location ?? value.location)
    }
}
