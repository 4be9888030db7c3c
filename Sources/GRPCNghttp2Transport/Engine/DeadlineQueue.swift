import NIOCore

/// A deadline on an event loop, and what is done when it has come.
final class LoopDeadline {
    let time: NIODeadline
    fileprivate let action: () -> Void
    /// Where it stands in the queue; `nil` when it is in none.
    fileprivate var place: Int?

    init(_ time: NIODeadline, _ action: @escaping () -> Void) {
        self.time = time
        self.action = action
    }
}

/// Deadlines of an event loop, the earliest first: a binary heap whose entries know their places.
///
/// Most calls end before their deadlines. One that is taken out leaves nothing behind and is not searched for, as it
/// would be among the event loop's own scheduled tasks; the heap of swift-collections only gives away its ends.
struct DeadlineQueue {
    private var heap: [LoopDeadline] = []

    var isEmpty: Bool { self.heap.isEmpty }

    /// The earliest.
    var earliest: NIODeadline? { self.heap.first?.time }

    mutating func insert(_ deadline: LoopDeadline) {
        self.heap.append(deadline)
        self.raise(deadline, from: self.heap.count - 1)
    }

    /// Takes one out, if it is there.
    mutating func remove(_ deadline: LoopDeadline) {
        guard let place = deadline.place else { return }
        deadline.place = nil
        let last = self.heap.removeLast()
        guard last !== deadline else { return }
        // What was last takes its place, and goes to where it belongs.
        if place > 0, last.time < self.heap[(place - 1) / 2].time {
            self.raise(last, from: place)
        } else {
            self.lower(last, from: place)
        }
    }

    /// Takes out the earliest if its time has come, and returns what is to be done.
    mutating func takeDue(at now: NIODeadline) -> (() -> Void)? {
        guard let first = self.heap.first, first.time <= now else { return nil }
        self.remove(first)
        return first.action
    }

    /// Puts one that may be earlier than those above it where it belongs.
    private mutating func raise(_ deadline: LoopDeadline, from start: Int) {
        var place = start
        while place > 0 {
            let parent = (place - 1) / 2
            guard deadline.time < self.heap[parent].time else { break }
            self.put(self.heap[parent], at: place)
            place = parent
        }
        self.put(deadline, at: place)
    }

    /// Puts one that may be later than those below it where it belongs.
    private mutating func lower(_ deadline: LoopDeadline, from start: Int) {
        var place = start
        while true {
            var child = 2 * place + 1
            guard child < self.heap.count else { break }
            if child + 1 < self.heap.count, self.heap[child + 1].time < self.heap[child].time { child += 1 }
            guard self.heap[child].time < deadline.time else { break }
            self.put(self.heap[child], at: place)
            place = child
        }
        self.put(deadline, at: place)
    }

    private mutating func put(_ deadline: LoopDeadline, at place: Int) {
        self.heap[place] = deadline
        deadline.place = place
    }
}
