/// Encodes a section's defaults as the lowest layer of the tree.
final class NodeEncoder: Encoder {
    /// The encoded value. It is a class, since containers fill it in after the encoder has handed them out. It lives as
    /// long as one `encode(to:)` runs, on one thread.
    final class Box {
        enum Content {
            case nothing
            case scalar(ConfigurationNode.Scalar)
            case sequence([Box])
            case mapping([(key: String, value: Box)])
        }

        var content = Content.nothing
        var isEnumCase = false

        var node: ConfigurationNode {
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
                for entry in entries {
                    mapping.set(Mapping.Entry(key: entry.key, value: entry.value.node))
                }
                return ConfigurationNode(.mapping(mapping))
            }
        }

        func append(_ element: Box) {
            guard case .sequence(let elements) = content else { return content = .sequence([element]) }
            content = .sequence(elements + [element])
        }

        func set(_ value: Box, forKey key: String) {
            guard case .mapping(let entries) = content else { return content = .mapping([(key, value)]) }
            content = .mapping(entries + [(key, value)])
        }
    }

    let box: Box
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    init(_ box: Box, codingPath: [any CodingKey] = []) {
        self.box = box
        self.codingPath = codingPath
    }

    /// The defaults of a section.
    static func defaults<T: ConfigurationSection>(
        of type: T.Type,
        keyPath: String
    ) throws(ConfigurationError) -> ConfigurationNode {
        let box = Box()
        do {
            try NodeEncoder(box).encode(T())
        } catch {
            throw ConfigurationError(message: "the defaults of \(T.self) cannot be encoded: \(error)", keyPath: keyPath)
        }
        return box.node
    }

    func encode<T: Encodable>(_ value: T) throws {
        if let value = value as? any ScalarConvertible {
            box.content = .scalar(value.scalar)
        } else {
            try value.encode(to: self)
            if Mirror(reflecting: value).displayStyle == .enum { box.isEnumCase = true }
        }
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        if case .nothing = box.content { box.content = .mapping([]) }
        return KeyedEncodingContainer(KeyedNodeEncodingContainer(encoder: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        if case .nothing = box.content { box.content = .sequence([]) }
        return UnkeyedNodeEncodingContainer(encoder: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        SingleValueNodeEncodingContainer(encoder: self)
    }
}
