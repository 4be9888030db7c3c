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

    // The generic method does for all types but these two, for which the protocol has implementations that fail.
    func decode(_ type: Int128.Type) throws -> Int128 { try value(type) }
    func decode(_ type: UInt128.Type) throws -> UInt128 { try value(type) }

    private func value<T: Decodable>(_ type: T.Type) throws -> T { try decode(type) }
}
