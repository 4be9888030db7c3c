import Synchronization
import Testing

@testable import ServiceKit

/// The costs that ``InstanceSet`` promises, counted in comparisons and hashes of elements, so that the test needs no
/// clock.
@Suite struct PersistentMapTests {
    /// Counts the comparisons and hashes of elements.
    final class Counter: Sendable {
        private let count = Atomic(0)

        func increment() { count.add(1, ordering: .relaxed) }

        func during<Output>(_ body: () throws -> Output) rethrows -> (Output, Int) {
            let before = count.load(ordering: .relaxed)
            let result = try body()
            return (result, count.load(ordering: .relaxed) - before)
        }
    }

    struct Key: Hashable, Sendable {
        let number: Int
        let counter: Counter

        static func == (left: Key, right: Key) -> Bool {
            left.counter.increment()
            return left.number == right.number
        }

        func hash(into hasher: inout Hasher) {
            counter.increment()
            hasher.combine(number)
        }
    }

    struct Element: Hashable, Identifiable, Sendable {
        let id: Key
        var value = 0

        static func == (left: Element, right: Element) -> Bool {
            left.id.counter.increment()
            return left.id == right.id && left.value == right.value
        }
    }

    let counter = Counter()

    func element(_ number: Int, _ value: Int = 0) -> Element {
        Element(id: Key(number: number, counter: counter), value: value)
    }

    func map(_ count: Int) -> PersistentMap<Element> {
        var map = PersistentMap<Element>()
        for number in 0..<count { _ = map.update(element(number)) }
        return map
    }

    @Test(arguments: [2000, 10_000])
    func differenceCostsAsMuchAsTheChanges(_ count: Int) {
        let old = map(count)
        var new = old
        for number in 0..<5 { _ = new.update(element(number, 1)) }
        for number in 5..<10 { _ = new.remove(id: element(number).id) }
        for number in count..<count + 5 { _ = new.update(element(number)) }

        let (changes, cost) = counter.during { new.changes(since: old) }
        #expect(Set(changes.updated.map(\.id.number)) == Set(0..<5))
        #expect(Set(changes.removed.map(\.id.number)) == Set(5..<10))
        #expect(Set(changes.added.map(\.id.number)) == Set(count..<count + 5))
        #expect(cost < 15 * 100, "\(cost) comparisons and hashes for 15 changes among \(count)")
    }

    @Test(arguments: [2000, 10_000])
    func updateTouchesFewElements(_ count: Int) {
        let old = map(count)
        var new = old
        let (_, update) = counter.during { new.update(element(7, 1)) }
        let (_, removal) = counter.during { new.remove(id: element(8).id) }
        #expect(update < 40, "\(update) comparisons and hashes for an update among \(count)")
        #expect(removal < 40, "\(removal) comparisons and hashes for a removal among \(count)")
        #expect(old.byID.count == count)
        #expect(new.byID.count == count - 1)
    }

    @Test func versionsOfOneOriginAreComparedByTheirChanges() {
        let old = map(10_000)
        var new = old
        _ = new.update(element(7, 1))
        let (isEqual, cost) = counter.during { new == old }
        #expect(!isEqual)
        #expect(cost < 40, "\(cost) comparisons and hashes")
        let (isSame, none) = counter.during { old == old }
        #expect(isSame)
        #expect(none == 0)
    }

    @Test func diffOfARebuiltMapCostsAsMuchAsTheChanges() {
        let old = map(10_000)
        var new = old
        new.replace(with: (1..<10_001).map { element($0, $0 == 5 ? 1 : 0) })
        let (changes, cost) = counter.during { new.changes(since: old) }
        #expect(changes.updated.map(\.id.number) == [5])
        #expect(changes.removed.map(\.id.number) == [0])
        #expect(changes.added.map(\.id.number) == [10_000])
        #expect(cost < 3 * 100, "\(cost) comparisons and hashes for 3 changes")
    }
}
