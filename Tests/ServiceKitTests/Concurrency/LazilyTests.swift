import Synchronization
import Testing

@testable import ServiceKit

@Suite struct LazilyTests {
    private final class Made: Sendable {
        let living: Counter

        init(_ living: Counter) {
            self.living = living
            living.count.add(1, ordering: .relaxed)
        }

        deinit { living.count.subtract(1, ordering: .relaxed) }
    }

    private final class Counter: Sendable {
        let count = Atomic<Int>(0)
        var value: Int { count.load(ordering: .relaxed) }
    }

    @Test func valueIsMadeWhenItIsNeeded() {
        let living = Counter()
        let lazily = Lazily { Made(living) }
        #expect(living.value == 0)
        #expect(lazily.value === lazily.value)
        #expect(living.value == 1)
    }

    /// Each of the readers that come first may make a value. All get the same, and the others go.
    @Test(.timeLimit(.minutes(1))) func readersGetOneValue() async {
        let living = Counter()
        for _ in 0..<200 {
            let lazily = Lazily { Made(living) }
            let values = await withTaskGroup(of: ObjectIdentifier.self) { group in
                for _ in 0..<8 { group.addTask { ObjectIdentifier(lazily.value) } }
                return await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(values == [ObjectIdentifier(lazily.value)])
            #expect(living.value == 1)
        }
        #expect(living.value == 0)
    }
}
