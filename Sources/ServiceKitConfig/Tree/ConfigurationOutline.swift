/// A configuration for display: the values and their places. For tools that show or check a configuration.
package indirect enum ConfigurationOutline: Sendable {
    /// A value without parts.
    case scalar(Scalar)
    /// Values in order.
    case sequence([ConfigurationOutline])
    /// Keys and values in written order.
    case mapping([(key: String, value: ConfigurationOutline)])

    package struct Scalar: Sendable {
        package var text: String
        package var kind: Kind
        /// Whether the value must not be shown.
        package var isSecret: Bool
        package var location: SourceLocation?
    }

    package enum Kind: Hashable, Sendable {
        case null, text, boolean
        /// A number as JSON writes it; `nil` for infinities and NaN, which JSON lacks.
        case number(String?)
        /// A value without quotes that no type has read yet. Only its type can tell the kind.
        case unread
    }
}

extension Configuration {
    /// All configured values, of the kinds that types have read them as from this configuration. Defaults of types are
    /// left out.
    package var outline: ConfigurationOutline { root.outline(at: KeyTrail(), .option(optionTree), known: known) }

    /// The configuration without the key of an error, for tools that look for further errors. If there is no such key, the
    /// section around it is left out. For `nodes[2].host`, all `nodes` are left out. `nil` when there is not even a section.
    package func without(_ keyPath: String) -> Configuration? {
        var keyPath = keyPath.prefix { $0 != "[" }
        while true {
            if let root = root.without(keyPath) {
                known.leaveOut(String(keyPath))
                return Configuration(root: root, known: known)
            }
            guard let dot = keyPath.lastIndex(of: ".") else { return nil }
            keyPath = keyPath[..<dot]
        }
    }

    /// Whether a tool has left out the value at a key path, or a section around it: nothing is said of it any more.
    package func isLeftOut(_ keyPath: String) -> Bool { known.isLeftOut(keyPath) }

    /// Whether a variable without a double underscore has set a key at the root. It may belong to another program.
    package func mayBeForeign(_ key: String) -> Bool {
        EnvironmentLayer.variableOfOnePart(root.mapping?[key]?.keyLocation) != nil
    }
}

extension ConfigurationNode {
    fileprivate func outline(
        at trail: KeyTrail,
        _ standing: OptionStanding,
        known: KnownKeys
    ) -> ConfigurationOutline {
        if !isSecret, known.isSecret(trail.path) { return hidden.outline(at: trail, standing, known: known) }
        let reading = known.reading(at: trail.path)
        if reading?.isText == true, let brackets {
            var text = self
            text.content = .scalar(Scalar(text: brackets.text, form: .literal))
            text.brackets = nil
            return text.outline(at: trail, standing, known: known)
        }
        switch content {
        case .scalar(let scalar):
            if reading == .list, let elements = try? elements(keyPath: trail.text) {
                return Self.outline(of: elements, at: trail, standing, known: known)
            }
            return .scalar(
                ConfigurationOutline.Scalar(
                    text: scalar.text,
                    kind: scalar.kind(read: reading),
                    isSecret: mustHide(at: trail.text, standing),
                    location: location
                )
            )
        case .sequence(let elements):
            return Self.outline(of: elements, at: trail, standing, known: known)
        case .mapping(let mapping):
            let entries = mapping.entries.compactMap { entry -> (key: String, value: ConfigurationOutline)? in
                let standing = standing.appending(entry.key)
                // A section without a value sets nothing.
                if entry.value.isNull, standing.isSectionWithDefaults { return nil }
                return (entry.key, entry.value.outline(at: trail.appending(entry.key), standing, known: known))
            }
            return .mapping(entries)
        }
    }

    private static func outline(
        of elements: [ConfigurationNode],
        at trail: KeyTrail,
        _ standing: OptionStanding,
        known: KnownKeys
    ) -> ConfigurationOutline {
        .sequence(
            elements.enumerated().map { index, element in
                element.outline(at: trail.appending(index: index), standing.element, known: known)
            }
        )
    }

    /// The tree without the value at a path; `nil` when there is no such value. A key of the path may contain dots.
    fileprivate func without(_ path: Substring) -> ConfigurationNode? {
        guard let mapping else { return nil }
        let last = mapping.entries.first { $0.key == path }
        let next = last ?? mapping.entries.first { path.hasPrefix("\($0.key).") }
        guard let next else { return nil }
        var replacement: ConfigurationNode?
        if last == nil {
            guard let rest = next.value.without(path.dropFirst(next.key.count + 1)) else { return nil }
            replacement = rest
        }
        var result = Mapping()
        result.isEnumCase = mapping.isEnumCase
        for var entry in mapping.entries {
            if entry.key == next.key {
                guard let replacement else { continue }
                entry.value = replacement
            }
            result.set(entry)
        }
        return ConfigurationNode(.mapping(result), location: location)
    }
}

extension ConfigurationNode.Scalar {
    fileprivate func kind(read reading: KnownKeys.Reading?) -> ConfigurationOutline.Kind {
        if isNull { return .null }
        if form == .quoted { return .text }
        switch reading {
        case .scalar(.boolean): return .boolean
        case .scalar(.integer):
            let number = (try? Int128(reading: self)).map(String.init) ?? (try? UInt128(reading: self)).map(String.init)
            return .number(number)
        case .scalar(.fraction):
            guard let number = try? Double(reading: self), number.isFinite else { return .number(nil) }
            return .number(isJSONNumber ? text : "\(number)")
        case .scalar: return .text
        case .list, nil: return .unread
        }
    }

    private var isJSONNumber: Bool { text.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/) != nil }
}
