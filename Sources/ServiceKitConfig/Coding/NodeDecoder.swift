/// Decodes a node strictly: a key that the type never asked for is an error.
///
/// A class, because the containers that a type's `init(from:)` takes from it tell it which keys were asked for. It
/// lives as long as that initializer runs, on one thread.
final class NodeDecoder: Decoder {
    let node: ConfigurationNode
    let trail: KeyTrail
    /// Is told of every key that is asked for.
    let known: KnownKeys
    private var askedKeys: [String] = []
    private var askedKeySet: Set<String> = []
    private var children: [NodeDecoder] = []

    var codingPath: [any CodingKey] { trail.codingPath }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    init(_ node: ConfigurationNode, trail: KeyTrail, known: KnownKeys) {
        self.node = node
        self.trail = trail
        self.known = known
    }

    /// Decodes a value from a node.
    ///
    /// - Parameters:
    ///   - type: What to decode.
    ///   - node: The value.
    ///   - hiddenDefault: The section to decode instead when the node is null and `T` is a section.
    ///   - trail: The way to the value.
    ///   - known: Is told of every key that is asked for.
    /// - Returns: The value.
    /// - Throws: ``ConfigurationError`` when the node does not fit the type.
    static func decode<T: Decodable>(
        _ type: T.Type,
        from node: ConfigurationNode,
        hiddenDefault: ConfigurationNode? = nil,
        trail: KeyTrail,
        known: KnownKeys
    ) throws(ConfigurationError) -> T {
        if let scalarType = T.self as? any ScalarConvertible.Type {
            let value = try node.scalarValue(scalarType, keyPath: trail.text)
            known.note(trail.path, as: scalarType.reading)
            if let value = value as? T { return value }
        }
        var node = node
        if let section = T.self as? any ConfigurationSection.Type {
            let configured = node.isNull ? hiddenDefault ?? .emptyMapping : node
            node = try NodeEncoder.defaults(of: section, keyPath: trail.text).asDefaults(for: configured)
        }
        let decoder = NodeDecoder(node, trail: trail, known: known)
        do {
            let value = try T(from: decoder)
            try decoder.rejectUnknownKeys()
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
        known.note(trail.path, as: .list)
        return UnkeyedNodeDecodingContainer(decoder: self, elements: elements)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer {
        SingleValueNodeDecodingContainer(decoder: self)
    }

    // MARK: - Strictness

    func markAsked(_ key: String) {
        guard askedKeySet.insert(key).inserted else { return }
        askedKeys.append(key)
        known.note(trail.path.appending(key))
    }

    /// A key that is configured, has not been asked for yet, and looks like `name`.
    func unaskedKey(similarTo name: String) -> Mapping.Entry? {
        let unasked = node.mapping?.entries.filter { $0.keyLocation != nil && !askedKeySet.contains($0.key) } ?? []
        return KeySuggestion.nearest(to: name, among: unasked.map(\.key)).flatMap { node.mapping?[$0] }
    }

    /// Leaves strictness to another type, which has decoded the same node.
    func leaveKeysToOther() {
        for entry in node.mapping?.entries ?? [] { markAsked(entry.key) }
    }

    /// A decoder for a part that the type decodes by itself, as a nested container or a superclass.
    func child(_ node: ConfigurationNode, trail: KeyTrail) -> NodeDecoder {
        let child = NodeDecoder(node, trail: trail, known: known)
        children.append(child)
        return child
    }

    /// - Throws: ``ConfigurationError`` for the first key that no container was asked for.
    private func rejectUnknownKeys() throws(ConfigurationError) {
        for entry in node.mapping?.entries ?? [] where !askedKeySet.contains(entry.key) {
            // Defaults are the type's own.
            guard let location = entry.keyLocation else { continue }
            throw ConfigurationError(
                message: VariableAdvice(known: known.paths).correction(from: location)
                    ?? KeySuggestion.message(for: entry.key, known: askedKeys),
                location: location,
                keyPath: KeyTrail.join(trail.text, entry.key)
            )
        }
        for child in children {
            try child.rejectUnknownKeys()
        }
    }
}
