/// A value that differs between two configurations, as YAML writes it on one line. A secret is masked.
package struct ConfigurationDifference: Hashable, Sendable {
    /// The path of the value.
    package var path: String
    /// The earlier value; `nil` when there was none.
    package var old: String?
    /// The later value; `nil` when there is none.
    package var new: String?
}

extension Configuration {
    /// The values that differ from those of an earlier configuration. Secrets are those that a type has registered as such,
    /// and those that look so.
    package func differences(since earlier: Configuration) -> [ConfigurationDifference] {
        let secrets = Set(optionTree.leaves.filter(\.isSecret).map(\.path))
        return root.changes(since: earlier.root).map { path in
            let option = known.program.basePath(of: path).description
            let isSecret = secrets.contains { option == $0 || option.hasPrefix($0 + ".") }
            func text(_ root: ConfigurationNode) -> String? {
                guard let node = path.keys.reduce(root, { $0?.mapping?[$1]?.value }) else { return nil }
                return isSecret || node.hasSecret(at: option, secrets) ? URLSecrets.mask : node.yaml
            }
            return ConfigurationDifference(path: path.description, old: text(earlier.root), new: text(root))
        }
    }
}

extension ConfigurationNode {
    /// Whether the value, or one below it, must not be shown.
    fileprivate func hasSecret(at path: String, _ secrets: Set<String>) -> Bool {
        if isSecret || secrets.contains(path) { return true }
        switch content {
        case .scalar(let scalar): return mustHide(scalar.text, at: path)
        case .sequence(let elements): return elements.contains { $0.hasSecret(at: path, secrets) }
        case .mapping(let mapping):
            return mapping.entries.contains { $0.value.hasSecret(at: "\(path).\($0.key)", secrets) }
        }
    }

    /// The value in YAML on one line, as it is written: placeholders stay.
    var yaml: String {
        switch content {
        case .scalar(let scalar):
            if scalar.form == .quoted { return PlainScalar.yaml(scalar.text) }
            return scalar.isNull ? "null" : scalar.text
        case .sequence(let elements):
            return "[\(elements.map(\.yaml).joined(separator: ", "))]"
        case .mapping(let mapping):
            let entries = mapping.entries.map { "\(PlainScalar.yaml($0.key)): \($0.value.yaml)" }
            return "{\(entries.joined(separator: ", "))}"
        }
    }
}
