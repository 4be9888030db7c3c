import NIOCore

/// An object with a deadline on an event loop. A base class: a queue of closures would cost each call two allocations.
package class LoopDeadline {
    // Confined to the event loop. The accesses are loads and stores, so that none overlaps another.

    /// Change it only while the object is in no queue.
    @exclusivity(unchecked) var time: NIODeadline
    /// Where it stands in the queue; `nil` when it is in none.
    @exclusivity(unchecked) fileprivate var place: Int?

    init(_ time: NIODeadline = .distantFuture) {
        self.time = time
    }

    /// The deadline has come.
    func deadlineCame() {}
}

/// Deadlines of an event loop, the earliest first: a binary heap whose entries know their places.
///
/// Most calls end before their deadlines. A deadline that is taken out leaves nothing behind and is not searched for,
/// as it would be among the event loop's own scheduled tasks; the heap of swift-collections gives away only its ends.
struct DeadlineQueue {
    private var heap: [LoopDeadline] = []

    var isEmpty: Bool { heap.isEmpty }

    /// The earliest.
    var earliest: NIODeadline? { heap.first?.time }

    mutating func insert(_ deadline: LoopDeadline) {
        heap.append(deadline)
        raise(deadline, from: heap.count - 1)
    }

    /// Takes one out, if it is there.
    mutating func remove(_ deadline: LoopDeadline) {
        guard let place = deadline.place else { return }
        deadline.place = nil
        let last = heap.removeLast()
        guard last !== deadline else { return }
        // The last entry takes its place, and goes to where it belongs.
        if place > 0, last.time < heap[(place - 1) / 2].time {
            raise(last, from: place)
        } else {
            lower(last, from: place)
        }
    }

    /// Takes out the earliest if its time has come.
    mutating func takeDue(at now: NIODeadline) -> LoopDeadline? {
        guard let first = heap.first, first.time <= now else { return nil }
        remove(first)
        return first
    }

    /// Moves an entry that may be earlier than its parents to where it belongs.
    private mutating func raise(_ deadline: LoopDeadline, from start: Int) {
        var place = start
        while place > 0 {
            let parent = (place - 1) / 2
            guard deadline.time < heap[parent].time else { break }
            put(heap[parent], at: place)
            place = parent
        }
        put(deadline, at: place)
    }

    /// Moves an entry that may be later than its children to where it belongs.
    private mutating func lower(_ deadline: LoopDeadline, from start: Int) {
        var place = start
        while true {
            var child = 2 * place + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, heap[child + 1].time < heap[child].time { child += 1 }
            guard heap[child].time < deadline.time else { break }
            put(heap[child], at: place)
            place = child
        }
        put(deadline, at: place)
    }

    private mutating func put(_ deadline: LoopDeadline, at place: Int) {
        heap[place] = deadline
        deadline.place = place
    }
}
