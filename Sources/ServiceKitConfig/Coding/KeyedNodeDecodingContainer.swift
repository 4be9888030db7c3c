struct KeyedNodeDecodingContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: NodeDecoder
    let mapping: Mapping
    private let keysAreLiteral = KeyNaming.isLiteral(Key.self)

    var codingPath: [any CodingKey] { decoder.codingPath }

    var allKeys: [Key] {
        mapping.entries.compactMap { entry in
            let key = Key(stringValue: keysAreLiteral ? entry.key : KeyNaming.camelCase(entry.key))
            guard let key, name(of: key) == entry.key else { return nil }
            decoder.markAsked(entry.key)
            return key
        }
    }

    func contains(_ key: Key) -> Bool {
        entry(for: key) != nil
    }

    func decodeNil(forKey key: Key) throws -> Bool {
        entry(for: key)?.value.isNull ?? true
    }

    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
        decoder.note(type, of: name(of: key))
        guard let entry = entry(for: key) else { return try decodeAbsent(type, forKey: key) }
        return try NodeDecoder.decode(
            type,
            from: entry.value,
            hiddenDefault: entry.hiddenDefault,
            trail: trail(for: key),
            known: decoder.known
        )
    }

    /// Decodes a type that needs no value, such as a section.
    private func decodeAbsent<T: Decodable>(_ type: T.Type, forKey key: Key) throws(ConfigurationError) -> T {
        do {
            return try NodeDecoder.decode(type, from: .absent, trail: trail(for: key), known: decoder.known)
        } catch {
            guard let similar = decoder.unaskedKey(similarTo: name(of: key)) else { throw error }
            throw ConfigurationError(
                message: "\(error.message); did you misspell it as \"\(similar.key)\"?",
                location: similar.keyLocation,
                keyPath: error.keyPath
            )
        }
    }

    // For these two types the protocol's own implementations fail. The generic method serves all others.
    func decode(_ type: Int128.Type, forKey key: Key) throws -> Int128 { try value(type, forKey: key) }
    func decode(_ type: UInt128.Type, forKey key: Key) throws -> UInt128 { try value(type, forKey: key) }

    private func value<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T { try decode(type, forKey: key) }

    /// Like the protocol's own implementation; beside it, the type is noted where the value is absent.
    func decodeIfPresent<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T? {
        try valueIfPresent(type, forKey: key)
    }

    // For these types the protocol has implementations of its own, which would be called instead.
    func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? { try valueIfPresent(type, forKey: key) }
    func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? {
        try valueIfPresent(type, forKey: key)
    }
    func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? {
        try valueIfPresent(type, forKey: key)
    }
    func decodeIfPresent(_ type: Float.Type, forKey key: Key) throws -> Float? { try valueIfPresent(type, forKey: key) }
    func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? { try valueIfPresent(type, forKey: key) }
    func decodeIfPresent(_ type: Int8.Type, forKey key: Key) throws -> Int8? { try valueIfPresent(type, forKey: key) }
    func decodeIfPresent(_ type: Int16.Type, forKey key: Key) throws -> Int16? { try valueIfPresent(type, forKey: key) }
    func decodeIfPresent(_ type: Int32.Type, forKey key: Key) throws -> Int32? { try valueIfPresent(type, forKey: key) }
    func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? { try valueIfPresent(type, forKey: key) }
    func decodeIfPresent(_ type: Int128.Type, forKey key: Key) throws -> Int128? {
        try valueIfPresent(type, forKey: key)
    }
    func decodeIfPresent(_ type: UInt.Type, forKey key: Key) throws -> UInt? { try valueIfPresent(type, forKey: key) }
    func decodeIfPresent(_ type: UInt8.Type, forKey key: Key) throws -> UInt8? { try valueIfPresent(type, forKey: key) }
    func decodeIfPresent(_ type: UInt16.Type, forKey key: Key) throws -> UInt16? {
        try valueIfPresent(type, forKey: key)
    }
    func decodeIfPresent(_ type: UInt32.Type, forKey key: Key) throws -> UInt32? {
        try valueIfPresent(type, forKey: key)
    }
    func decodeIfPresent(_ type: UInt64.Type, forKey key: Key) throws -> UInt64? {
        try valueIfPresent(type, forKey: key)
    }
    func decodeIfPresent(_ type: UInt128.Type, forKey key: Key) throws -> UInt128? {
        try valueIfPresent(type, forKey: key)
    }

    private func valueIfPresent<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T? {
        decoder.note(T?.self, of: name(of: key))
        return try decodeNil(forKey: key) ? nil : decode(type, forKey: key)
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type,
        forKey key: Key
    ) throws -> KeyedDecodingContainer<NestedKey> {
        try child(for: key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try child(for: key).unkeyedContainer()
    }

    func superDecoder() -> any Decoder {
        child(PlainKey.superclass, named: PlainKey.superclass.stringValue)
    }

    func superDecoder(forKey key: Key) -> any Decoder {
        child(for: key)
    }

    // MARK: - Keys

    private func name(of key: Key) -> String {
        keysAreLiteral ? key.stringValue : KeyNaming.kebabCase(key.stringValue)
    }

    private func entry(for key: Key) -> Mapping.Entry? {
        let name = name(of: key)
        decoder.markAsked(name)
        return mapping[name]
    }

    private func trail(for key: Key) -> KeyTrail {
        decoder.trail.appending(key, named: name(of: key))
    }

    private func child(for key: Key) -> NodeDecoder {
        child(key, named: name(of: key))
    }

    private func child(_ key: any CodingKey, named name: String) -> NodeDecoder {
        decoder.markAsked(name)
        return decoder.child(mapping[name]?.value ?? .absent, trail: decoder.trail.appending(key, named: name))
    }
}
