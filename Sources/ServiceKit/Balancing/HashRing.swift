/// Points on a ring of 64-bit numbers, each with an owner. The point of a number is the next one at or behind it.
///
/// The points are in the order of their numbers, each in the slot that the first bits of its number name or soon behind it
/// ("ordered hash tables", Amble and Knuth, 1974). Numbers are hashes, so they are spread evenly: a search, an insertion and a
/// removal look at a few slots, however many points there are.
struct HashRing: Sendable {
    /// The slot of a point. It stays until the ring changes.
    typealias Slot = Int

    fileprivate struct Point {
        static let none = Point(number: 0, owner: -1)
        var number: UInt64
        var owner: Int32
        var isNone: Bool { owner < 0 }
    }

    private static let minimumBits = 4

    /// Two to eight slots for each point, and some behind the last, so that no point is pushed around the end.
    private var slots = Array(repeating: Point.none, count: 1 << minimumBits)
    private var bits = minimumBits
    /// The number of points.
    private(set) var count = 0

    private func home(of number: UInt64) -> Slot { Int(number >> UInt64(64 - bits)) }

    // MARK: - Changes

    mutating func insert(_ number: UInt64, owner: Int) {
        if (count + 1) << 1 > 1 << bits { resize(to: bits + 1) }
        put(Point(number: number, owner: Int32(owner)))
        count += 1
    }

    private mutating func put(_ point: Point) {
        var point = point
        var slot = home(of: point.number)
        while slot < slots.count, !slots[slot].isNone, slots[slot].number < point.number { slot += 1 }
        while slot < slots.count, !slots[slot].isNone {
            swap(&slots[slot], &point)
            slot += 1
        }
        if slot < slots.count { slots[slot] = point } else { slots.append(point) }
    }

    mutating func remove(_ number: UInt64, owner: Int) {
        var slot = home(of: number)
        while slot < slots.count, !slots[slot].isNone, slots[slot].number <= number {
            if slots[slot].number == number, slots[slot].owner == owner {
                count -= 1
                close(slot)
                if bits > Self.minimumBits, count << 3 < 1 << bits { resize(to: bits - 1) }
                return
            }
            slot += 1
        }
    }

    /// Moves the points behind a slot that becomes free back, each no further than to its home.
    private mutating func close(_ free: Slot) {
        var slot = free
        while slot + 1 < slots.count, !slots[slot + 1].isNone, home(of: slots[slot + 1].number) <= slot {
            slots[slot] = slots[slot + 1]
            slot += 1
        }
        slots[slot] = .none
    }

    private mutating func resize(to bits: Int) {
        let points = slots
        self.bits = bits
        slots = Array(repeating: .none, count: 1 << bits)
        for point in points where !point.isNone { put(point) }
    }

    // MARK: - Searches

    /// The begin of a search: the first slot, read already.
    ///
    /// The slots of a large ring are in no cache. Searches that are begun one after the other, and go on then, wait for memory
    /// once.
    struct Search {
        fileprivate var number: UInt64 = 0
        fileprivate var slot: Slot = 0
        fileprivate var point = Point.none
    }

    func begin(_ number: UInt64) -> Search {
        let slot = home(of: number)
        return Search(number: number, slot: slot, point: slots[slot])
    }

    /// The point of a search's number.
    ///
    /// - Parameters:
    ///   - search: The search.
    ///   - looks: Counts the slots that are looked at.
    /// - Returns: The slot of the point, and how far behind the number the point is; `nil` without points.
    func find(_ search: Search, _ looks: inout Int) -> (slot: Slot, distance: UInt64)? {
        let (number, point) = (search.number, search.point)
        if !point.isNone, point.number >= number {
            looks += 1
            return (search.slot, point.number &- number)
        }
        if count == 0 { return nil }
        var slot = search.slot
        while slot < slots.count, slots[slot].isNone || slots[slot].number < number {
            slot += 1
            looks += 1
        }
        if slot == slots.count { slot = used(from: 0, &looks) }
        looks += 1
        return (slot, slots[slot].number &- number)
    }

    /// The point of a number.
    func find(_ number: UInt64, _ looks: inout Int) -> (slot: Slot, distance: UInt64)? { find(begin(number), &looks) }

    /// The point behind another one, around the ring.
    func next(after slot: Slot, _ looks: inout Int) -> Slot {
        used(from: slot + 1, &looks)
    }

    /// The first point at or behind a slot; there is one.
    private func used(from slot: Slot, _ looks: inout Int) -> Slot {
        var slot = slot
        repeat {
            if slot >= slots.count { slot = 0 }
            looks += 1
            if !slots[slot].isNone { return slot }
            slot += 1
        } while true
    }

    /// The owner of the point in a slot.
    func owner(at slot: Slot) -> Int { Int(slots[slot].owner) }
}
