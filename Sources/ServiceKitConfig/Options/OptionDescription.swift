/// An option, or a section with its options: everything that tools and documents say of it.
package struct OptionDescription: Sendable {
    /// The path from the root: `server.grpc.max-connections`; empty for the root itself.
    package var path: String
    package var shape: OptionShape
    /// Whether null is a value of its own.
    package var isOptional = false
    /// Whether the value must not be shown. The default of a secret is not kept.
    package var isSecret = false
    /// Whether a change takes effect without a restart.
    package var isLive = false
    /// The values that are allowed; `nil` when every value of the type is allowed.
    package var bounds: OptionBounds?
    /// The meaning, in one line; `nil` without one in the section's type.
    package var help: String?
    var defaultNode: ConfigurationNode?

    /// The last key of the path.
    package var key: String { path.split(separator: ".").last.map(String.init) ?? "" }

    /// The default as YAML writes it; `nil` when there is none.
    package var defaultValue: String? { defaultNode?.flowText }

    /// The options of a section; none for an option.
    package var options: [OptionDescription] {
        if case .section(let options, _) = shape { options } else { [] }
    }

    /// The options without the sections around them.
    package var leaves: [OptionDescription] {
        if case .section(let options, _) = shape { options.flatMap(\.leaves) } else { [self] }
    }
}

extension Configuration {
    /// Makes a value known that the program, or a module of it, may read: the check for unknown keys accepts it, and tools
    /// describe it. `live` are the paths whose changes take effect without a restart, `help` is the meaning of a single value.
    package func register(
        _ type: any (Decodable & SendableMetatype).Type, at path: String, live: [String] = [], help: String? = nil
    ) {
        known.program.register(type, at: path, live: live, help: help)
    }

    /// The description of all that was registered or read, as one tree. Paths in it are in the order of their registration.
    package var optionTree: OptionDescription {
        var root = OptionDescription(path: "", shape: .section([], help: [:]))
        let variants = known.program.variants
        for read in known.program.all where !variants.contains(where: { $0.basePath(of: read.path) != nil }) {
            var option = OptionDescription(read.type, at: read.path)
            option.help = known.program.help(at: read.path)
            option.mark { known.program.isLive($0) }
            root.insert(option, at: read.path.keys[...])
        }
        root.mark { known.program.isLive($0) }
        for variants in variants { root.insert(variants) }
        return root
    }

    /// The options of ``optionTree``.
    package var options: [OptionDescription] { optionTree.leaves }

    /// The keys at the root that the program reads, or below which it reads a value.
    package var sections: Set<String> { Set(known.program.claims.compactMap(\.keys.first)) }
}

// MARK: - The tree

extension OptionDescription {
    /// Adds an option, or a section, below this section. Of two descriptions of the same option the first counts.
    fileprivate mutating func insert(_ option: OptionDescription, at keys: ArraySlice<String>) {
        guard let key = keys.first else { return merge(option) }
        guard case .section(var options, let help) = shape else { return }
        let path = path.isEmpty ? key : "\(path).\(key)"
        var child = OptionDescription(path: path, shape: .section([], help: [:]))
        let position = options.firstIndex { $0.path == path }
        if let position {
            child = options[position]
            child.insert(option, at: keys.dropFirst())
            options[position] = child
        } else {
            if keys.count == 1 { child = option } else { child.insert(option, at: keys.dropFirst()) }
            child.help = child.help ?? help[key]
            options.append(child)
        }
        shape = .section(options, help: help)
    }

    /// Adds variants behind their base section: any names, each with the options of the section, without their defaults.
    fileprivate mutating func insert(_ variants: SectionVariants) {
        guard case .section(var options, let help) = shape,
            let index = options.firstIndex(where: { $0.key == variants.base })
        else { return }
        var variant = options[index]
        variant.dropDefaults()
        let collection = OptionDescription(
            path: variants.collection, shape: .dictionary(variant.shape), help: variants.help)
        options.insert(collection, at: index + 1)
        shape = .section(options, help: help)
    }

    private mutating func dropDefaults() {
        defaultNode = nil
        guard case .section(var options, let help) = shape else { return }
        for index in options.indices { options[index].dropDefaults() }
        shape = .section(options, help: help)
    }

    private mutating func merge(_ other: OptionDescription) {
        switch (shape, other.shape) {
        case (.section(let options, let help), .section(let others, let otherHelp)):
            shape = .section(options, help: help.merging(otherHelp) { first, _ in first })
            for option in others { insert(option, at: [option.key]) }
            guard case .section(var all, let help) = shape else { return }
            for index in all.indices { all[index].help = all[index].help ?? help[all[index].key] }
            shape = .section(all, help: help)
        case (.any, _):
            shape = other.shape
        default:
            break
        }
    }

    fileprivate mutating func mark(live isLive: (_ path: ConfigurationPath) -> Bool) {
        self.isLive = isLive(ConfigurationPath(path))
        guard case .section(var options, let help) = shape else { return }
        for index in options.indices { options[index].mark(live: isLive) }
        shape = .section(options, help: help)
    }
}

extension ConfigurationNode {
    /// The value on one line, as a document shows it; `nil` for an empty one.
    var flowText: String? {
        switch content {
        case .scalar(let scalar):
            return scalar.isNull || scalar.text.isEmpty ? nil : scalar.text
        case .sequence(let elements):
            let texts = elements.map { $0.flowText ?? "" }
            return texts.isEmpty ? nil : "[\(texts.joined(separator: ", "))]"
        case .mapping(let mapping):
            let texts = mapping.entries.map { "\($0.key): \($0.value.flowText ?? "")" }
            return texts.isEmpty ? nil : "{\(texts.joined(separator: ", "))}"
        }
    }
}
