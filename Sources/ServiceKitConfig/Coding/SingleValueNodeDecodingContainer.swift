struct SingleValueNodeDecodingContainer: SingleValueDecodingContainer {
    let decoder: NodeDecoder

    var codingPath: [any CodingKey] { decoder.codingPath }

    func decodeNil() -> Bool {
        decoder.node.isNull
    }

    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        let value = try NodeDecoder.decode(type, from: decoder.node, trail: decoder.trail, known: decoder.known)
        decoder.leaveKeysToOther()
        return value
    }

    // For these two types the protocol's own implementations fail. The generic method serves all others.
    func decode(_ type: Int128.Type) throws -> Int128 { try value(type) }
    func decode(_ type: UInt128.Type) throws -> UInt128 { try value(type) }

    private func value<T: Decodable>(_ type: T.Type) throws -> T { try decode(type) }
}
