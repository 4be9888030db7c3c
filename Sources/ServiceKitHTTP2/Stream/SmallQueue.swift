import DequeModule

/// A queue that mostly holds one element, or none: the first needs no memory of its own.
struct SmallQueue<Element> {
    private var head: Element?
    private var tail = Deque<Element>()

    init() {}

    var isEmpty: Bool { head == nil }

    var first: Element? { head }

    mutating func append(_ element: Element) {
        if head == nil {
            head = element
        } else {
            // At once for a whole response of one message, which is three parts.
            if tail.isEmpty { tail.reserveCapacity(3) }
            tail.append(element)
        }
    }

    mutating func popFirst() -> Element? {
        guard let first = head else { return nil }
        head = tail.popFirst()
        return first
    }

    mutating func removeAll() {
        head = nil
        tail = []
    }
}

extension SmallQueue: Sendable where Element: Sendable {}
