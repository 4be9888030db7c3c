extension Configuration {
    /// Reads a value for another package, by the names of its keys. A key is found as it is written, or in kebab-case.
    ///
    /// It is no read of the program: nothing is noted, so that any number of keys may be looked up. Returns the value and
    /// whether it is secret; `nil` when it is null or not configured. Throws ``ConfigurationError`` when the value does not
    /// fit the type.
    package func lookUp<Value: Decodable>(
        _ type: Value.Type,
        at keys: [String]
    ) throws(ConfigurationError) -> (value: Value, isSecret: Bool)? {
        var node = root
        var path = ConfigurationPath()
        for key in keys {
            let name = node.mapping?[key] == nil ? KeyNaming.kebabCase(key) : key
            guard let child = node.mapping?[name]?.value else { return nil }
            node = child
            path = path.appending(name)
        }
        guard !node.isNull else { return nil }
        let value = try NodeDecoder.decode(type, from: node, trail: KeyTrail(path), known: KnownKeys())
        return (value, node.mayBeSecret(at: path, known))
    }
}

extension ConfigurationNode {
    /// Whether a part of the value must not be shown.
    fileprivate func mayBeSecret(at path: ConfigurationPath, _ known: KnownKeys) -> Bool {
        if isSecret || known.isSecret(path) { return true }
        switch content {
        case .scalar(let scalar): return SecretKeys.mustHide(scalar.text, at: path.description)
        case .sequence(let elements): return elements.contains { $0.mayBeSecret(at: path, known) }
        case .mapping(let mapping):
            return mapping.entries.contains { $0.value.mayBeSecret(at: path.appending($0.key), known) }
        }
    }
}
