struct UnkeyedNodeDecodingContainer: UnkeyedDecodingContainer {
    let decoder: NodeDecoder
    let elements: [ConfigurationNode]
    private(set) var currentIndex = 0

    var codingPath: [any CodingKey] { decoder.codingPath }
    var count: Int? { elements.count }
    var isAtEnd: Bool { currentIndex >= elements.count }

    mutating func decodeNil() throws -> Bool {
        guard try current().isNull else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
        let trail = decoder.trail.appending(index: currentIndex)
        let value = try NodeDecoder.decode(type, from: current(), trail: trail, known: decoder.known)
        currentIndex += 1
        return value
    }

    // For these two types the protocol's own implementations fail. The generic method serves all others.
    mutating func decode(_ type: Int128.Type) throws -> Int128 { try value(type) }
    mutating func decode(_ type: UInt128.Type) throws -> UInt128 { try value(type) }

    private mutating func value<T: Decodable>(_ type: T.Type) throws -> T { try decode(type) }

    mutating func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type
    ) throws -> KeyedDecodingContainer<NestedKey> {
        try child().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try child().unkeyedContainer()
    }

    mutating func superDecoder() throws -> any Decoder {
        try child()
    }

    private mutating func child() throws(ConfigurationError) -> NodeDecoder {
        let child = try decoder.child(current(), trail: decoder.trail.appending(index: currentIndex))
        currentIndex += 1
        return child
    }

    private func current() throws(ConfigurationError) -> ConfigurationNode {
        guard !isAtEnd else {
            throw ConfigurationError(
                message: "expected more elements, found only \(elements.count)",
                location: decoder.node.location,
                keyPath: decoder.trail.text
            )
        }
        return elements[currentIndex]
    }
}
