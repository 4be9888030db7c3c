/// Streams by their numbers, as a connection looks them up for each call.
///
/// The numbers of a connection grow by two, so that their last bits spread the open streams evenly: there is nothing to hash. Each
/// number has one slot. A stream whose slot another one has, because that has been open for long or the peer leaves numbers out,
/// goes to a dictionary.
struct StreamIDTable {
    /// Twice as many as the open streams, or more.
    private var slots: [HTTP2Stream?] = []
    private var others: [Int32: HTTP2Stream] = [:]
    private(set) var count = 0

    private static let fewest = 8

    var isEmpty: Bool { count == 0 }

    subscript(id: Int32) -> HTTP2Stream? {
        if slots.isEmpty { return nil }
        if let stream = slots[slot(of: id)], stream.id == id { return stream }
        return others[id]
    }

    /// Adds a stream by its number, which no other one has.
    mutating func insert(_ stream: HTTP2Stream) {
        if 2 * (count + 1) > slots.count { grow() }
        place(stream)
        count += 1
    }

    /// Takes out the stream with a number.
    mutating func remove(_ id: Int32) -> HTTP2Stream? {
        if slots.isEmpty { return nil }
        let slot = slot(of: id)
        if let stream = slots[slot], stream.id == id {
            slots[slot] = nil
            count -= 1
            return stream
        }
        guard let stream = others.removeValue(forKey: id) else { return nil }
        count -= 1
        return stream
    }

    /// Takes out all streams.
    mutating func removeAll() -> [HTTP2Stream] {
        defer { self = StreamIDTable() }
        return slots.compactMap(\.self) + others.values
    }

    private mutating func grow() {
        let streams = slots.compactMap(\.self) + others.values
        slots = Array(repeating: nil, count: max(Self.fewest, 2 * slots.count))
        others = [:]
        for stream in streams { place(stream) }
    }

    private mutating func place(_ stream: HTTP2Stream) {
        let slot = slot(of: stream.id)
        if slots[slot] == nil { slots[slot] = stream } else { others[stream.id] = stream }
    }

    private func slot(of id: Int32) -> Int { Int(id >> 1) & (slots.count - 1) }
}
