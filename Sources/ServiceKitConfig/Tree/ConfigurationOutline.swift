/// A configuration to look at: what is set, and where. For tools that show or check it.
package indirect enum ConfigurationOutline: Sendable {
    /// A value without parts; `isText` when it is text whatever it looks like, `isSecret` when it must not be shown.
    case scalar(String, isText: Bool, isSecret: Bool, SourceLocation?)
    /// Values in their order.
    case sequence([ConfigurationOutline])
    /// Keys and values in the order in which they are written.
    case mapping([(key: String, value: ConfigurationOutline)])
}

extension Configuration {
    /// Everything that is configured; defaults of types are not.
    package var outline: ConfigurationOutline { root.outline(at: "") }

    /// The configuration without a key, for those who look for further errors behind one.
    ///
    /// - Parameter keyPath: As ``ConfigurationError/keyPath`` has it; of `nodes[2].host`, all `nodes` are left out.
    /// - Returns: `nil` when there is no such key.
    package func without(_ keyPath: String) -> Configuration? {
        let plain = keyPath.split(separator: "[", maxSplits: 1).first.map(String.init) ?? ""
        return root.without(ConfigurationPath(plain).keys[...]).map(Configuration.init)
    }
}

extension SecretKeys {
    /// Whether a line of a file, in which something is wrong with the value at `keyPath`, must not be shown.
    package static func mustHide(line: Substring, of keyPath: String) -> Bool {
        let key = line.split(separator: ":", maxSplits: 1).first.map(String.init) ?? ""
        return mustHide(String(line), at: "\(keyPath).\(key)")
    }
}

extension ConfigurationNode {
    fileprivate func outline(at path: String) -> ConfigurationOutline {
        switch content {
        case .scalar(let scalar):
            .scalar(
                scalar.text,
                isText: scalar.form == .quoted,
                isSecret: !scalar.isNull && SecretKeys.mustHide(scalar.text, at: path),
                location
            )
        case .sequence(let elements):
            .sequence(elements.map { $0.outline(at: path) })
        case .mapping(let mapping):
            .mapping(mapping.entries.map { ($0.key, $0.value.outline(at: KeyTrail.join(path, $0.key))) })
        }
    }

    /// The tree without what is at a path; `nil` when nothing is.
    fileprivate func without(_ path: ArraySlice<String>) -> ConfigurationNode? {
        guard let key = path.first, let mapping, let entry = mapping[key] else { return nil }
        var replacement: ConfigurationNode?
        if path.count > 1 {
            guard let rest = entry.value.without(path.dropFirst()) else { return nil }
            replacement = rest
        }
        var result = Mapping()
        result.isEnumCase = mapping.isEnumCase
        for var entry in mapping.entries {
            if entry.key == key {
                guard let replacement else { continue }
                entry.value = replacement
            }
            result.set(entry)
        }
        return ConfigurationNode(.mapping(result), location: location)
    }
}
