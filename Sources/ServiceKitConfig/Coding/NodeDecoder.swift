/// Decodes a node strictly: a key that the type never asked for is an error.
///
/// It is a class, since the containers of a type's `init(from:)` report the keys that the type asks for. It lives as
/// long as that initializer runs, on one thread.
final class NodeDecoder: Decoder, SingleValueDecodingContainer {
    let node: ConfigurationNode
    let trail: KeyTrail
    private lazy var path = trail.path
    /// Records every key that a type asks for.
    let known: KnownKeys
    /// The keys that the type has asked for, in their order.
    private(set) var askedKeys: [String] = []
    private var askedKeySet: Set<String> = []
    /// The types of the properties, while a type is described.
    private(set) var propertyTypes: [String: any Decodable.Type]?
    private var children: [NodeDecoder] = []
    /// Keys of the node that another type decodes.
    private let exceptions: Set<String>

    var codingPath: [any CodingKey] { trail.codingPath }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    init(
        _ node: ConfigurationNode, trail: KeyTrail, known: KnownKeys, exceptions: Set<String> = [],
        notesTypes: Bool = false
    ) {
        propertyTypes = notesTypes ? [:] : nil
        self.node = node
        self.trail = trail
        self.known = known
        self.exceptions = exceptions
    }

    /// Decodes a value from a node. If the node is null and `T` is a section, decodes the hidden default instead.
    /// Records every key that a type asks for; the exceptions are keys that another type decodes. Throws
    /// ``ConfigurationError`` when the node does not fit the type, or has a value out of its range.
    static func decode<T: Decodable>(
        _ type: T.Type,
        from node: ConfigurationNode,
        hiddenDefault: ConfigurationNode? = nil,
        trail: KeyTrail,
        known: KnownKeys,
        exceptions: Set<String> = []
    ) throws(ConfigurationError) -> T {
        if let secretType = T.self as? any SecretWrapper.Type {
            let value = try secretType.decode(from: hiddenDefault ?? node, trail: trail, known: known)
            if let value = value as? T { return value }
        }
        if let scalarType = T.self as? any ScalarConvertible.Type {
            let value = try node.scalarValue(scalarType, keyPath: trail.text)
            known.note(trail.path, as: .scalar(scalarType.kind))
            if let value = value as? T { return value }
        }
        var node = node
        let section = T.self as? any ConfigurationSection.Type
        if let section {
            let configured = node.isNull ? hiddenDefault ?? .emptyMapping : node
            let defaults = try known.defaults(of: section, keyPath: trail.text)
            if let example = configured.nestedForm(in: section, defaults: defaults, at: trail.path) {
                throw configured.mappingMismatch(at: trail.path, keyPath: trail.text, example: example)
            }
            node = defaults.asDefaults(for: configured)
        }
        let decoder = NodeDecoder(node, trail: trail, known: known, exceptions: exceptions)
        do {
            let value = try T(from: decoder)
            try decoder.rejectUnknownKeys()
            if section != nil, let section = value as? any ConfigurationSection { try decoder.checkRanges(of: section) }
            if let value = value as? any Validatable { try decoder.validate(value) }
            return value
        } catch {
            throw decoder.configurationError(for: error, decoding: T.self)
        }
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard let mapping = node.isNull ? Mapping() : node.mapping else {
            throw node.mappingMismatch(at: trail.path, keyPath: trail.text)
        }
        return KeyedDecodingContainer(KeyedNodeDecodingContainer(decoder: self, mapping: mapping))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        let elements = try node.elements(keyPath: trail.text)
        known.note(path, as: .list)
        return UnkeyedNodeDecodingContainer(decoder: self, elements: elements)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer {
        self
    }

    // MARK: - A single value

    func decodeNil() -> Bool {
        node.isNull
    }

    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        try single(type)
    }

    // For these two types the protocol's own implementations fail. The generic method serves all others.
    func decode(_ type: Int128.Type) throws -> Int128 { try single(type) }
    func decode(_ type: UInt128.Type) throws -> UInt128 { try single(type) }

    private func single<T: Decodable>(_ type: T.Type) throws(ConfigurationError) -> T {
        let value = try Self.decode(type, from: node, trail: trail, known: known)
        // The other decoder of this node has checked its keys.
        for entry in node.mapping?.entries ?? [] { markAsked(entry.key) }
        return value
    }

    // MARK: - Strictness

    /// Notes the type of a property, if a type is described. The first type that is asked for counts: that of an optional
    /// property is its own.
    func note(_ type: any Decodable.Type, of key: @autoclosure () -> String) {
        guard propertyTypes != nil else { return }
        let key = key()
        if propertyTypes?[key] == nil { propertyTypes?[key] = type }
    }

    func markAsked(_ key: String) {
        guard askedKeySet.insert(key).inserted else { return }
        askedKeys.append(key)
        known.note(path.appending(key))
    }

    /// Finds a configured key that the type has not asked for and that looks like `name`.
    func unaskedKey(similarTo name: String) -> Mapping.Entry? {
        let unasked = node.mapping?.entries.filter { $0.keyLocation != nil && !askedKeySet.contains($0.key) } ?? []
        return KeySuggestion.nearest(to: name, among: unasked.map(\.key)).flatMap { node.mapping?[$0] }
    }

    /// Creates a decoder for a nested container or a superclass, which the type decodes by itself.
    func child(_ node: ConfigurationNode, trail: KeyTrail) -> NodeDecoder {
        let child = NodeDecoder(node, trail: trail, known: known)
        children.append(child)
        return child
    }

    /// - Throws: ``ConfigurationError`` for the first key that no container asked for.
    private func rejectUnknownKeys() throws(ConfigurationError) {
        for entry in node.mapping?.entries ?? []
        where !askedKeySet.contains(entry.key) && !exceptions.contains(entry.key) {
            // Keys without a place are the type's own defaults.
            guard let location = entry.keyLocation else { continue }
            throw ConfigurationError(
                message: VariableAdvice(known: known.paths).correction(from: location)
                    ?? KeySuggestion.message(for: entry.key, known: askedKeys + exceptions.sorted()),
                location: location,
                keyPath: KeyTrail.join(trail.text, entry.key)
            )
        }
        for child in children { try child.rejectUnknownKeys() }
    }
}
