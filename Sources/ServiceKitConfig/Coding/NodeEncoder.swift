/// Encodes a section's defaults as the lowest layer of the tree.
///
/// It is a class, since containers fill in the encoders of values after their parent has handed them out. It lives as long
/// as one `encode(to:)` runs, on one thread.
final class NodeEncoder: Encoder, SingleValueEncodingContainer {
    private enum Content {
        case nothing
        case scalar(ConfigurationNode.Scalar)
        case sequence([NodeEncoder])
        case mapping([(key: String, value: NodeEncoder)])
    }

    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }
    private var content = Content.nothing
    private var isEnumCase = false

    init(codingPath: [any CodingKey] = []) {
        self.codingPath = codingPath
    }

    static func defaults<T: ConfigurationSection>(
        of type: T.Type,
        keyPath: @autoclosure () -> String
    ) throws(ConfigurationError) -> ConfigurationNode {
        let encoder = NodeEncoder()
        do {
            try encoder.encode(T())
        } catch {
            throw ConfigurationError(
                message: "the defaults of \(T.self) cannot be encoded: \(error)", keyPath: keyPath())
        }
        return encoder.node
    }

    func encode<T: Encodable>(_ value: T) throws {
        if let value = value as? any SecretWrapper {
            try encode(value.secret)
        } else if let value = value as? any ScalarConvertible {
            content = .scalar(value.scalar)
        } else {
            try value.encode(to: self)
            if Mirror(reflecting: value).displayStyle == .enum { isEnumCase = true }
        }
    }

    // For these two types the protocol's own implementations fail.
    func encode(_ value: Int128) { content = .scalar(value.scalar) }
    func encode(_ value: UInt128) { content = .scalar(value.scalar) }

    func encodeNil() {
        content = .scalar(.null)
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        if case .nothing = content { content = .mapping([]) }
        return KeyedEncodingContainer(KeyedNodeEncodingContainer(encoder: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        if case .nothing = content { content = .sequence([]) }
        return UnkeyedNodeEncodingContainer(encoder: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        self
    }

    // MARK: - Tree

    private var node: ConfigurationNode {
        switch content {
        case .nothing:
            return .emptyMapping
        case .scalar(let scalar):
            return ConfigurationNode(.scalar(scalar))
        case .sequence(let elements):
            return ConfigurationNode(.sequence(elements.map(\.node)))
        case .mapping(let entries):
            var mapping = Mapping()
            mapping.isEnumCase = isEnumCase
            for entry in entries { mapping.set(Mapping.Entry(key: entry.key, value: entry.value.node)) }
            return ConfigurationNode(.mapping(mapping))
        }
    }

    var elementCount: Int {
        if case .sequence(let elements) = content { elements.count } else { 0 }
    }

    /// Adds an element; the encoder of its value is returned.
    func addElement() -> NodeEncoder {
        let element = NodeEncoder(codingPath: codingPath + [PlainKey(intValue: elementCount)])
        var elements: [NodeEncoder] = []
        if case .sequence(let existing) = content { elements = existing }
        content = .sequence(elements + [element])
        return element
    }

    /// Adds a key; the encoder of its value is returned.
    func add(_ key: any CodingKey, named name: String) -> NodeEncoder {
        let value = NodeEncoder(codingPath: codingPath + [key])
        var entries: [(key: String, value: NodeEncoder)] = []
        if case .mapping(let existing) = content { entries = existing }
        content = .mapping(entries + [(name, value)])
        return value
    }
}
