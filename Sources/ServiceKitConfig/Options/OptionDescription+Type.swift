extension OptionDescription {
    /// Describes the value that a type reads at a path. The default is that of the section around it. `outer` are the types
    /// around it: a type within itself is described once.
    init(
        _ type: any Decodable.Type,
        at path: ConfigurationPath,
        default node: ConfigurationNode? = nil,
        inside outer: [ObjectIdentifier] = []
    ) {
        func shape(of part: any Decodable.Type, at key: String) -> OptionShape {
            OptionDescription(part, at: path.appending(key), inside: outer).shape
        }
        self.init(path: path.description, shape: .any)
        switch type {
        case let type as any OptionalType.Type:
            self.init(type.wrapped, at: path, default: node, inside: outer)
            isOptional = true
        case let type as any SecretWrapper.Type:
            self.init(type.wrapped, at: path, inside: outer)
            hide()
        case let type as any ScalarConvertible.Type:
            self.shape = .scalar(type.kind)
            bounds = type.bounds
        case let type as any ListType.Type:
            self.shape = .list(shape(of: type.element, at: "[]"))
        case let type as any DictionaryType.Type:
            if let value = type.value { self.shape = .dictionary(shape(of: value, at: "*")) }
        case let type as any ConfigurationSection.Type:
            if outer.contains(ObjectIdentifier(type)) { return }
            self.shape = Self.section(type, at: path, default: node, inside: outer)
        case let type as any CaseIterable.Type where type is any RawRepresentable.Type:
            self.shape = .choice(NodeDecoder.rawValues(of: type))
        default:
            self.shape = Self.probe(type)
        }
        if case .section = self.shape { return }
        if case .scalar(.text) = self.shape, SecretKeys.isSecret(path.description) { isSecret = true }
        let text = node?.flowText ?? ""
        if !isSecret, !SecretKeys.mustHide(text, at: path.description) { defaultNode = node }
    }

    /// Runs the type's `init(from:)` on its defaults, and describes each key that it asks for.
    private static func section<Section: ConfigurationSection>(
        _ type: Section.Type,
        at path: ConfigurationPath,
        default node: ConfigurationNode?,
        inside outer: [ObjectIdentifier]
    ) -> OptionShape {
        var values = (try? NodeEncoder.defaults(of: type, keyPath: path.description)) ?? .emptyMapping
        if let node, node.mapping != nil { values = values.asDefaults(for: node) }
        let decoder = NodeDecoder(values, trail: KeyTrail(), known: KnownKeys(), notesTypes: true)
        // A check of the type's own may refuse the defaults, since a value has none. All keys are asked for by then.
        _ = try? Section(from: decoder)
        let ranges = Dictionary(type.ranges.map { ($0.key, $0.bounds) }) { first, _ in first }
        let options = decoder.askedKeys.map { key in
            let place = path.appending(key)
            var option = OptionDescription(path: place.description, shape: .any)
            if let type = decoder.propertyTypes?[key] {
                let value = values.mapping?[key]?.value
                option = OptionDescription(
                    type, at: place, default: value, inside: outer + [ObjectIdentifier(Section.self)])
            }
            option.bounds = ranges[key] ?? option.bounds
            option.help = type.help[key]
            return option
        }
        return .section(options, help: type.help)
    }

    /// The form of a type that reads one scalar by itself, such as an address; else `any`.
    private static func probe<T: Decodable>(_ type: T.Type) -> OptionShape {
        let known = KnownKeys()
        let node = ConfigurationNode(.scalar(ConfigurationNode.Scalar(text: "0", form: .plain)))
        _ = try? NodeDecoder.decode(type, from: node, trail: KeyTrail(), known: known)
        if case .scalar(let kind) = known.reading(at: ConfigurationPath()) { return .scalar(kind) }
        return .any
    }

    private mutating func hide() {
        isSecret = true
        defaultNode = nil
        guard case .section(var options, let help) = shape else { return }
        for index in options.indices { options[index].hide() }
        shape = .section(options, help: help)
    }
}

// MARK: - Types of types

protocol OptionalType { static var wrapped: any Decodable.Type { get } }
private protocol ListType { static var element: any Decodable.Type { get } }
private protocol DictionaryType {
    /// `nil` when the keys are no texts: `Codable` then writes a list.
    static var value: (any Decodable.Type)? { get }
}

extension Optional: OptionalType where Wrapped: Decodable {
    static var wrapped: any Decodable.Type { Wrapped.self }
}

extension Array: ListType where Element: Decodable {
    static var element: any Decodable.Type { Element.self }
}

extension Set: ListType where Element: Decodable {
    static var element: any Decodable.Type { Element.self }
}

extension Dictionary: DictionaryType where Key: Decodable, Value: Decodable {
    static var value: (any Decodable.Type)? {
        Key.self is String.Type || Key.self is any CodingKeyRepresentable.Type ? Value.self : nil
    }
}
