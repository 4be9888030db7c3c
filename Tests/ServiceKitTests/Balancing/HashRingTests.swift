import Testing

@testable import ServiceKit

@Suite struct HashRingTests {
    @Test func emptyRingHasNoPoint() {
        var looks = 0
        #expect(HashRing().find(5, &looks) == nil)
    }

    /// Against a sorted list, with numbers that crowd at the end of the ring as well.
    @Test(arguments: [UInt64(1), 2, 3]) func ringEqualsASortedList(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var ring = HashRing()
        var list: [(number: UInt64, owner: Int)] = []
        for step in 0..<6000 {
            if step % 3000 < 2000 || list.isEmpty {
                let number = random.next(below: 4) == 0 ? .max - UInt64(random.next(below: 500)) : random.next()
                if list.contains(where: { $0.number == number }) { continue }
                ring.insert(number, owner: step)
                list.append((number, step))
            } else {
                let point = list.remove(at: random.next(below: list.count))
                ring.remove(point.number, owner: point.owner)
            }
            #expect(ring.count == list.count)
            guard step.isMultiple(of: 50) else { continue }
            list.sort { $0.number < $1.number }
            for number in [random.next(), .max - UInt64(random.next(below: 500)), 0, .max] {
                guard let expected = list.firstIndex(where: { $0.number >= number }) ?? list.indices.first else {
                    continue
                }
                var looks = 0
                let found = try #require(ring.find(number, &looks))
                #expect(ring.owner(at: found.slot) == list[expected].owner)
                #expect(found.distance == list[expected].number &- number)
                let next = list[(expected + 1) % list.count]
                #expect(ring.owner(at: ring.next(after: found.slot, &looks)) == next.owner)
            }
        }
    }

    @Test func pointThatIsNotThereIsNotRemoved() {
        var ring = HashRing()
        ring.insert(7, owner: 1)
        ring.remove(7, owner: 2)
        ring.remove(8, owner: 1)
        #expect(ring.count == 1)
    }
}
