/// Brings the fields of one message into the order and number that ``WireToJSON`` needs: ascending, each single field
/// once, one field of each oneof, one entry of each key. The values are those that a reader of the wire format would have.
struct MessageSorter {
    private let tables: MessageTables
    private let table: MessageTable

    /// A field on the wire.
    private struct Piece {
        /// The index of the field.
        let field: Int
        let tag: UInt32
        /// The value, with its length before it.
        let value: WireCursor
    }

    private enum Key: Hashable {
        case bits(UInt64)
        case text([UInt8])
    }

    init(_ tables: MessageTables, _ index: Int) {
        self.tables = tables
        table = tables.messages[index]
    }

    /// Writes the sorted message. Returns whether it was sorted already; then nothing is written.
    func sort(_ content: WireCursor, into out: inout ByteSink) throws(JSONError) -> Bool {
        let (pieces, isWhole) = try pieces(of: content)
        if isWhole, isSorted(pieces) { return true }
        // Piece numbers, by field and then in the order of the wire.
        let order = pieces.indices.sorted { (pieces[$0].field, $0) < (pieces[$1].field, $1) }
        var start = 0
        while start < order.count {
            var end = start + 1
            while end < order.count, pieces[order[end]].field == pieces[order[start]].field { end += 1 }
            try write(order[start..<end].map { pieces[$0] }, into: &out)
            start = end
        }
        return false
    }

    private func field(_ index: Int) -> FieldTable { tables.fields[Int(table.first) + index] }

    /// The pieces that count, and whether they are all known fields of the message.
    private func pieces(of content: WireCursor) throws(JSONError) -> (pieces: [Piece], isWhole: Bool) {
        var pieces: [Piece] = []
        var isWhole = true
        var cursor = content
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            let start = cursor.position
            try cursor.skip(tag)
            let index = tables.field(tag >> 3, of: table)
            guard index >= 0, tag == field(index).tag || field(index).isPackable && tag & 7 == 2 else { continue }
            let value = WireCursor(start, cursor.position)
            if try isUnknown(value, field(index)) {
                isWhole = false
                continue
            }
            pieces.append(Piece(field: index, tag: tag, value: value))
        }
        // The last field of a oneof clears the others, with what came before.
        var last: [Int32: Int] = [:]
        for piece in pieces where field(piece.field).oneof >= 0 { last[field(piece.field).oneof] = piece.field }
        guard !last.isEmpty else { return (pieces, isWhole) }
        var cleared: Set<Int32> = []
        var kept: [Piece] = []
        for piece in pieces.reversed() {
            let oneof = field(piece.field).oneof
            if oneof >= 0, last[oneof] != piece.field { cleared.insert(oneof) }
            if oneof < 0 || !cleared.contains(oneof) { kept.append(piece) }
        }
        return (kept.reversed(), isWhole && kept.count == pieces.count)
    }

    /// Whether a value is unknown to the field's closed enum: then it is as if it were not there.
    private func isUnknown(_ value: WireCursor, _ field: FieldTable) throws(JSONError) -> Bool {
        guard field.kind == .enumeration, !field.isRepeated, field.type >= 0, tables.enums[Int(field.type)].isClosed
        else {
            return false
        }
        var value = value
        let number = Int32(truncatingIfNeeded: try value.varint())
        return tables.value(number, of: tables.enums[Int(field.type)]) == nil
    }

    private func isSorted(_ pieces: [Piece]) -> Bool {
        var oneofs: Set<Int32> = []
        for (previous, next) in zip(pieces, pieces.dropFirst())
        where previous.field > next.field || previous.field == next.field && !field(next.field).isRepeated {
            return false
        }
        return pieces.allSatisfy { piece in
            let field = field(piece.field)
            // Keys may occur twice. Oneofs beyond the writer's bits are never taken for sorted.
            return !field.isMap && (field.oneof < 0 || field.oneof < 63 && oneofs.insert(field.oneof).inserted)
        }
    }

    // MARK: - Writing

    /// Writes the pieces of one field.
    private func write(_ pieces: [Piece], into out: inout ByteSink) throws(JSONError) {
        let field = field(pieces[0].field)
        if field.isMap {
            for piece in try lastEntries(pieces, of: field) { write(piece, into: &out) }
        } else if field.isRepeated {
            for piece in pieces { write(piece, into: &out) }
        } else if field.kind != .message || pieces.count == 1 {
            write(pieces[pieces.count - 1], into: &out)
        } else {
            // Messages one after the other are one message, merged.
            let contents = try pieces.map { (piece) throws(JSONError) in try content(of: piece, field) }
            out.varint(UInt64(field.tag))
            if field.wireType == .delimited { out.varint(UInt64(contents.reduce(0) { $0 + $1.count })) }
            for content in contents { out.append(content.bytes) }
            if field.wireType == .groupStart { out.varint(UInt64(field.number << 3 | 4)) }
        }
    }

    private func write(_ piece: Piece, into out: inout ByteSink) {
        out.varint(UInt64(piece.tag))
        out.append(piece.value.bytes)
    }

    private func content(of piece: Piece, _ field: FieldTable) throws(JSONError) -> WireCursor {
        var value = piece.value
        return field.wireType == .groupStart ? try value.group(field.number) : try value.delimited()
    }

    /// The last entry of each key, at the place of the first. An entry whose value is unknown to a closed enum is none.
    private func lastEntries(_ pieces: [Piece], of field: FieldTable) throws(JSONError) -> [Piece] {
        let entry = tables.messages[Int(field.type)]
        let key = tables.fields[Int(entry.first)]
        let value = tables.fields[Int(entry.first) + 1]
        var result: [Piece] = []
        var indexByKey: [Key: Int] = [:]
        for piece in pieces {
            var cursor = try content(of: piece, field)
            var found: Key = key.kind == .string ? .text([]) : .bits(0)
            var isKnown = true
            while !cursor.isAtEnd {
                let tag = try cursor.tag()
                if tag == key.tag {
                    found =
                        key.kind == .string
                        ? .text(Array(try cursor.delimited().bytes))
                        : .bits(canonical(try cursor.bits(key.wireType), key.kind))
                } else if tag == value.tag {
                    isKnown = try !isUnknown(cursor, value)
                    try cursor.skip(tag)
                } else {
                    try cursor.skip(tag)
                }
            }
            if !isKnown { continue }
            if let index = indexByKey[found] {
                result[index] = piece
            } else {
                indexByKey[found] = result.count
                result.append(piece)
            }
        }
        return result
    }

    /// The bits that count of a key.
    private func canonical(_ bits: UInt64, _ kind: FieldTable.Kind) -> UInt64 {
        switch kind {
        case .int32, .uint32, .sint32: UInt64(UInt32(truncatingIfNeeded: bits))
        case .bool: bits == 0 ? 0 : 1
        default: bits
        }
    }
}
