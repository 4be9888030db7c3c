/// Streams by their numbers, as a connection looks them up for each call.
///
/// The numbers of a connection grow by two, so that their last bits spread the open streams evenly: there is nothing to hash. A
/// stream stands in the slot of its number, or in the next free one. At most half of the slots are taken.
struct StreamIDTable {
    private var slots: [HTTP2Stream?] = []
    private(set) var count = 0

    private static let fewest = 8

    var isEmpty: Bool { count == 0 }

    subscript(id: Int32) -> HTTP2Stream? { index(of: id).flatMap { slots[$0] } }

    /// Adds a stream by its number, which no other one has.
    mutating func insert(_ stream: HTTP2Stream) {
        if 2 * (count + 1) > slots.count { grow() }
        place(stream)
        count += 1
    }

    /// Takes out the stream with a number.
    mutating func remove(_ id: Int32) -> HTTP2Stream? {
        guard var hole = index(of: id) else { return nil }
        let stream = slots[hole]
        slots[hole] = nil
        count -= 1
        // Streams that were not placed in their slots because of this one move up.
        var index = next(hole)
        while let other = slots[index] {
            if distance(from: slot(of: other.id), to: index) >= distance(from: hole, to: index) {
                slots[hole] = other
                slots[index] = nil
                hole = index
            }
            index = next(index)
        }
        return stream
    }

    /// Takes out all streams.
    mutating func removeAll() -> [HTTP2Stream] {
        defer {
            slots = []
            count = 0
        }
        return slots.compactMap(\.self)
    }

    private mutating func grow() {
        let streams = slots
        slots = Array(repeating: nil, count: max(Self.fewest, 2 * slots.count))
        for case let stream? in streams { place(stream) }
    }

    private mutating func place(_ stream: HTTP2Stream) {
        var index = slot(of: stream.id)
        while slots[index] != nil { index = next(index) }
        slots[index] = stream
    }

    private func index(of id: Int32) -> Int? {
        if slots.isEmpty { return nil }
        var index = slot(of: id)
        while let stream = slots[index] {
            if stream.id == id { return index }
            index = next(index)
        }
        return nil
    }

    private func slot(of id: Int32) -> Int { Int(id >> 1) & (slots.count - 1) }

    private func next(_ index: Int) -> Int { (index + 1) & (slots.count - 1) }

    private func distance(from start: Int, to end: Int) -> Int { (end - start) & (slots.count - 1) }
}
