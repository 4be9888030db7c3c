struct KeyedNodeEncodingContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let encoder: NodeEncoder
    private let keysAreLiteral = KeyNaming.isLiteral(Key.self)

    var codingPath: [any CodingKey] { encoder.codingPath }

    init(encoder: NodeEncoder) {
        self.encoder = encoder
    }

    func encodeNil(forKey key: Key) {
        child(for: key).box.content = .scalar(.null)
    }

    func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        try child(for: key).encode(value)
    }

    // For these two types the protocol's own implementations fail. The generic method serves all others.
    func encode(_ value: Int128, forKey key: Key) throws { try child(for: key).encode(value) }
    func encode(_ value: UInt128, forKey key: Key) throws { try child(for: key).encode(value) }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type,
        forKey key: Key
    ) -> KeyedEncodingContainer<NestedKey> {
        child(for: key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        child(for: key).unkeyedContainer()
    }

    func superEncoder() -> any Encoder {
        child(PlainKey.superclass, named: PlainKey.superclass.stringValue)
    }

    func superEncoder(forKey key: Key) -> any Encoder {
        child(for: key)
    }

    private func child(for key: Key) -> NodeEncoder {
        child(key, named: keysAreLiteral ? key.stringValue : KeyNaming.kebabCase(key.stringValue))
    }

    private func child(_ key: any CodingKey, named name: String) -> NodeEncoder {
        let child = NodeEncoder(NodeEncoder.Box(), codingPath: codingPath + [key])
        encoder.box.set(child.box, forKey: name)
        return child
    }
}

struct UnkeyedNodeEncodingContainer: UnkeyedEncodingContainer {
    let encoder: NodeEncoder

    var codingPath: [any CodingKey] { encoder.codingPath }

    var count: Int {
        if case .sequence(let elements) = encoder.box.content { elements.count } else { 0 }
    }

    func encodeNil() {
        child().box.content = .scalar(.null)
    }

    func encode<T: Encodable>(_ value: T) throws {
        try child().encode(value)
    }

    func encode(_ value: Int128) throws { try child().encode(value) }
    func encode(_ value: UInt128) throws { try child().encode(value) }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type
    ) -> KeyedEncodingContainer<NestedKey> {
        child().container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        child().unkeyedContainer()
    }

    func superEncoder() -> any Encoder {
        child()
    }

    private func child() -> NodeEncoder {
        let child = NodeEncoder(NodeEncoder.Box(), codingPath: codingPath + [PlainKey(intValue: count)])
        encoder.box.append(child.box)
        return child
    }
}

struct SingleValueNodeEncodingContainer: SingleValueEncodingContainer {
    let encoder: NodeEncoder

    var codingPath: [any CodingKey] { encoder.codingPath }

    func encodeNil() {
        encoder.box.content = .scalar(.null)
    }

    func encode<T: Encodable>(_ value: T) throws {
        try encoder.encode(value)
    }

    func encode(_ value: Int128) throws { try encoder.encode(value) }
    func encode(_ value: UInt128) throws { try encoder.encode(value) }
}
