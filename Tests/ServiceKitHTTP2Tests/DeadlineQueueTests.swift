import NIOCore
import ServiceKitTestSupport
import Testing

@testable import ServiceKitHTTP2

/// A deadline with an action.
final class ActingDeadline: LoopDeadline {
    private let action: () -> Void

    init(_ time: NIODeadline, _ action: @escaping () -> Void) {
        self.action = action
        super.init(time)
    }

    override func deadlineCame() { action() }
}

@Suite struct DeadlineQueueTests {
    private static func time(_ nanoseconds: Int) -> NIODeadline { .uptimeNanoseconds(UInt64(nanoseconds)) }

    @Test func emptyQueueHasNothingDue() {
        var queue = DeadlineQueue()
        #expect(queue.isEmpty && queue.earliest == nil)
        #expect(queue.takeDue(at: .distantFuture) == nil)
    }

    @Test func dueDeadlinesComeInOrder() {
        var queue = DeadlineQueue()
        var done: [Int] = []
        for number in [5, 1, 4, 1, 3] { queue.insert(ActingDeadline(Self.time(number)) { done.append(number) }) }
        #expect(queue.earliest == Self.time(1))
        while let due = queue.takeDue(at: Self.time(4)) { due.deadlineCame() }
        #expect(done == [1, 1, 3, 4])
        #expect(queue.earliest == Self.time(5))
    }

    @Test func removedOrDueDeadlineIsNotRemovedAgain() {
        var queue = DeadlineQueue()
        let (first, second) = (LoopDeadline(Self.time(1)), LoopDeadline(Self.time(2)))
        queue.insert(first)
        queue.insert(second)
        #expect(queue.takeDue(at: Self.time(1)) != nil)
        queue.remove(first)
        #expect(queue.earliest == Self.time(2))
        queue.remove(second)
        queue.remove(second)
        #expect(queue.isEmpty)
    }

    @Test(arguments: 0..<20)
    func firstDeadlineIsTheEarliestLeft(_ seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed))
        var queue = DeadlineQueue()
        var left: [LoopDeadline] = []
        for _ in 0..<500 {
            if left.isEmpty || Bool.random(using: &generator) {
                let deadline = LoopDeadline(Self.time(.random(in: 0..<100, using: &generator)))
                left.append(deadline)
                queue.insert(deadline)
            } else {
                queue.remove(left.remove(at: .random(in: left.indices, using: &generator)))
            }
            #expect(queue.earliest == left.map(\.time).min())
            #expect(queue.isEmpty == left.isEmpty)
        }
    }
}
