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
            let isSecret = secrets.contains { path.description == $0 || path.description.hasPrefix($0 + ".") }
            func text(_ root: ConfigurationNode) -> String? {
                guard let node = path.keys.reduce(root, { $0?.mapping?[$1]?.value }) else { return nil }
                let text = node.yaml
                return isSecret || node.mustHide(text, at: path.description) ? URLSecrets.mask : text
            }
            return ConfigurationDifference(path: path.description, old: text(earlier.root), new: text(root))
        }
    }
}

extension ConfigurationNode {
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
