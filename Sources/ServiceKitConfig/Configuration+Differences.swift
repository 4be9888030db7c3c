/// A value that differs between two configurations, as YAML writes it on one line, cut if it is long. A secret is masked.
package struct ConfigurationDifference: Hashable, Sendable {
    /// The path of the value.
    package var path: String
    /// The earlier value; `nil` when there was none.
    package var old: String?
    /// The later value; `nil` when there is none.
    package var new: String?
}

extension Configuration {
    /// The values that differ from those of an earlier configuration. Secret values are masked.
    package func differences(since earlier: Configuration) -> [ConfigurationDifference] {
        let tree = OptionStanding.option(optionTree)
        return root.changes(since: earlier.root).compactMap { path in
            let standing = path.keys.reduce(tree) { $0.appending($1) }
            func text(_ root: ConfigurationNode) -> String? {
                // A key without a value, such as a bare `log:`, sets nothing.
                let node = path.keys.reduce(root) { $0?.mapping?[$1]?.value }
                guard let node, !node.isUnwritten else { return nil }
                return node.mustHide(at: path.description, standing) ? URLSecrets.mask : Excerpt.line(node.yaml)
            }
            let (old, new) = (text(earlier.root), text(root))
            if old == nil, new == nil { return nil }
            return ConfigurationDifference(path: Excerpt.line(path.description), old: old, new: new)
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
