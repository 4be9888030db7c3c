struct KeyedNodeEncodingContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let encoder: NodeEncoder
    private let keysAreLiteral = KeyNaming.isLiteral(Key.self)

    var codingPath: [any CodingKey] { encoder.codingPath }

    func encodeNil(forKey key: Key) {
        child(for: key).encodeNil()
    }

    func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        try child(for: key).encode(value)
    }

    // For these two types the protocol's own implementations fail. The generic method serves all others.
    func encode(_ value: Int128, forKey key: Key) { child(for: key).encode(value) }
    func encode(_ value: UInt128, forKey key: Key) { child(for: key).encode(value) }

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
        encoder.add(PlainKey.superclass, named: PlainKey.superclass.stringValue)
    }

    func superEncoder(forKey key: Key) -> any Encoder {
        child(for: key)
    }

    private func child(for key: Key) -> NodeEncoder {
        encoder.add(key, named: keysAreLiteral ? key.stringValue : KeyNaming.kebabCase(key.stringValue))
    }
}

struct UnkeyedNodeEncodingContainer: UnkeyedEncodingContainer {
    let encoder: NodeEncoder

    var codingPath: [any CodingKey] { encoder.codingPath }
    var count: Int { encoder.elementCount }

    func encodeNil() {
        encoder.addElement().encodeNil()
    }

    func encode<T: Encodable>(_ value: T) throws {
        try encoder.addElement().encode(value)
    }

    func encode(_ value: Int128) { encoder.addElement().encode(value) }
    func encode(_ value: UInt128) { encoder.addElement().encode(value) }

    func nestedContainer<NestedKey: CodingKey>(keyedBy type: NestedKey.Type) -> KeyedEncodingContainer<NestedKey> {
        encoder.addElement().container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        encoder.addElement().unkeyedContainer()
    }

    func superEncoder() -> any Encoder {
        encoder.addElement()
    }
}
