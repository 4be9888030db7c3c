/// Sections that set some options of another section anew, each for one name: `clients.user-service` sets what differs from
/// `client` for the calls of one service.
package struct SectionVariants: Hashable, Sendable {
    /// The section with the options and their values for all names: `client`. It stands at the root.
    package let base: String
    /// The key at the root that has the variants by their names: `clients`.
    package let collection: String
    /// The meaning of the collection, in one line.
    package let help: String

    /// Describes variants.
    package init(of base: String, in collection: String, help: String) {
        self.base = base
        self.collection = collection
        self.help = help
    }

    /// The path of the same option in the section for all names; `nil` for a path outside of a variant.
    func basePath(of path: ConfigurationPath) -> ConfigurationPath? {
        guard path.keys.count > 1, path.keys[0] == collection else { return nil }
        return ConfigurationPath(keys: [base] + path.keys.dropFirst(2))
    }
}

/// A name's view of a configuration.
struct VariantView: Sendable {
    let variants: SectionVariants
    let name: String
    /// Whether the program uses the values that are read through the view.
    let isUsed: Bool

    /// The path at which a value of the base section is written for this name alone.
    func path(of path: ConfigurationPath) -> ConfigurationPath {
        guard path.keys.first == variants.base else { return path }
        return ConfigurationPath(keys: [variants.collection, name] + path.keys.dropFirst())
    }
}

extension Configuration {
    /// Makes variants known: the check for unknown keys accepts them, and tools describe them.
    package func register(_ variants: SectionVariants) {
        known.program.register(variants)
    }

    /// The names that have a variant, in written order.
    package func names(of variants: SectionVariants) -> [String] { keys(at: variants.collection) }

    /// The configuration as it is for one name: below the base section's path are its values, and over them, key by key,
    /// those of the name's variant. An error names the path at which the value at fault is written.
    ///
    /// - Parameters:
    ///   - name: The name. A name without a variant sees the base section.
    ///   - variants: The variants.
    ///   - isUsed: Whether the program uses the values that it reads here; `false` for a mere check.
    /// - Returns: The view. It shares what is known of the program's reads.
    package func view(of name: String, in variants: SectionVariants, isUsed: Bool = true) -> Configuration {
        register(variants)
        var root = root
        if let variant = root.mapping?[variants.collection]?.value.mapping?[name]?.value, !variant.isNull {
            var mapping = Mapping()
            mapping.set(Mapping.Entry(key: variants.base, keyLocation: variant.location, value: variant))
            root = root.merged(with: ConfigurationNode(.mapping(mapping), location: root.location))
        }
        return Configuration(
            root: root,
            known: known,
            view: VariantView(variants: variants, name: name, isUsed: isUsed)
        )
    }

    /// An error with the path at which the value at fault is written, if the error comes from a variant.
    func renamed(_ error: ConfigurationError) -> ConfigurationError {
        guard let view, let keyPath = error.keyPath, let location = error.location,
            keyPath == view.variants.base || keyPath.hasPrefix("\(view.variants.base)."),
            root.mapping?[view.variants.collection]?.value.mapping?[view.name]?.value.has(location) == true
        else { return error }
        let rest = keyPath.dropFirst(view.variants.base.count)
        var renamed = ConfigurationError(
            message: error.message,
            location: location,
            keyPath: "\(view.variants.collection).\(view.name)\(rest)"
        )
        renamed.isLocal = error.isLocal
        return renamed
    }
}

extension ConfigurationNode {
    /// Whether a value or a key of this tree is written at a place.
    fileprivate func has(_ place: SourceLocation) -> Bool {
        if location == place { return true }
        switch content {
        case .scalar: return false
        case .sequence(let elements): return elements.contains { $0.has(place) }
        case .mapping(let mapping): return mapping.entries.contains { $0.keyLocation == place || $0.value.has(place) }
        }
    }
}
