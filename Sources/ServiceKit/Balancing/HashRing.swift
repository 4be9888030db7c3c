/// Points on a ring of 64-bit numbers, each with an owner. The point of a number is the next one at or behind it.
///
/// The points are in the order of their numbers, each in the slot that the first bits of its number name or soon behind it
/// ("ordered hash tables", Amble and Knuth, 1974). Numbers are hashes, so they are spread evenly: a search, an insertion and a
/// removal look at a few slots, however many points there are.
struct HashRing: Sendable {
    /// The slot of a point. It stays until the ring changes.
    typealias Slot = Int

    private struct Point {
        var number: UInt64
        var owner: Int32
    }

    private static let minimumBits = 4
    /// The number of a slot without a point: below that of each point.
    private static let none: UInt64 = 0
    /// A search mostly ends within so many slots: half a line of a processor's cache.
    private static let reach = 4

    /// Two to eight slots for each point, and some behind the last, so that no point is pushed around the end.
    private var numbers = Array(repeating: none, count: 1 << minimumBits)
    /// The owners of the points, in the same slots. Apart, since a search reads numbers only.
    private var owners = Array(repeating: Int32(-1), count: 1 << minimumBits)
    private var bits = minimumBits
    /// The number of points.
    private(set) var count = 0

    private func home(of number: UInt64) -> Slot { Int(number >> UInt64(64 - bits)) }

    // MARK: - Changes

    mutating func insert(_ number: UInt64, owner: Int) {
        if (count + 1) << 1 > 1 << bits { resize(to: bits + 1) }
        put(Point(number: max(number, Self.none + 1), owner: Int32(owner)))
        count += 1
    }

    private mutating func put(_ point: Point) {
        var point = point
        var slot = home(of: point.number)
        while slot < numbers.count, numbers[slot] != Self.none, numbers[slot] < point.number { slot += 1 }
        while slot < numbers.count, numbers[slot] != Self.none {
            swap(&numbers[slot], &point.number)
            swap(&owners[slot], &point.owner)
            slot += 1
        }
        if slot == numbers.count {
            numbers.append(point.number)
            owners.append(point.owner)
        } else {
            set(point, at: slot)
        }
    }

    mutating func remove(_ number: UInt64, owner: Int) {
        let number = max(number, Self.none + 1)
        var slot = home(of: number)
        while slot < numbers.count, numbers[slot] != Self.none, numbers[slot] <= number {
            if numbers[slot] == number, owners[slot] == owner {
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
        while slot + 1 < numbers.count, numbers[slot + 1] != Self.none, home(of: numbers[slot + 1]) <= slot {
            set(Point(number: numbers[slot + 1], owner: owners[slot + 1]), at: slot)
            slot += 1
        }
        set(Point(number: Self.none, owner: -1), at: slot)
    }

    private mutating func set(_ point: Point, at slot: Slot) {
        numbers[slot] = point.number
        owners[slot] = point.owner
    }

    private mutating func resize(to bits: Int) {
        let (oldNumbers, oldOwners) = (numbers, owners)
        self.bits = bits
        numbers = Array(repeating: Self.none, count: 1 << bits)
        owners = Array(repeating: -1, count: 1 << bits)
        for (number, owner) in zip(oldNumbers, oldOwners) where number != Self.none {
            put(Point(number: number, owner: owner))
        }
    }

    // MARK: - Searches

    /// The begin of a search: the first slot, and one further on, read already.
    ///
    /// The slots of a large ring are in no cache. Searches that are begun one after the other, and go on then, wait for memory
    /// once.
    struct Search {
        fileprivate var number: UInt64 = 0
        fileprivate var slot: Slot = 0
        fileprivate var first: UInt64 = 0
        fileprivate var further: UInt64 = 0
    }

    func begin(_ number: UInt64) -> Search {
        let slot = home(of: number)
        return Search(
            number: number,
            slot: slot,
            first: numbers[slot],
            further: numbers[min(slot + Self.reach, numbers.count - 1)]
        )
    }

    /// The point of a search's number.
    ///
    /// - Parameters:
    ///   - search: The search.
    ///   - looks: Counts the slots that are looked at.
    /// - Returns: The slot of the point, and how far behind the number the point is; `nil` without points.
    func find(_ search: Search, _ looks: inout Int) -> (slot: Slot, distance: UInt64)? {
        let number = search.number
        looks += 1
        if search.first >= number, search.first != Self.none { return (search.slot, search.first &- number) }
        if count == 0 { return nil }
        // A free slot is passed over: its number is below each.
        let sought = max(number, Self.none + 1)
        var slot = search.slot + 1
        while slot < numbers.count, numbers[slot] < sought { slot += 1 }
        looks += slot - search.slot
        if slot == numbers.count { slot = used(from: 0, &looks) }
        return (slot, numbers[slot] &- number)
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
            if slot >= numbers.count { slot = 0 }
            looks += 1
            if numbers[slot] != Self.none { return slot }
            slot += 1
        } while true
    }

    /// The owner of the point in a slot.
    func owner(at slot: Slot) -> Int { Int(owners[slot]) }
}
