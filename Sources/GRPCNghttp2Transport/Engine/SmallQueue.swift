import DequeModule

/// A queue that mostly holds one element, or none: the first needs no memory of its own.
struct SmallQueue<Element> {
    private var head: Element?
    private var tail = Deque<Element>()

    init() {}

    var isEmpty: Bool { self.head == nil }

    var first: Element? { self.head }

    mutating func append(_ element: Element) {
        if self.head == nil {
            self.head = element
        } else {
            self.tail.append(element)
        }
    }

    mutating func popFirst() -> Element? {
        guard let first = self.head else { return nil }
        self.head = self.tail.popFirst()
        return first
    }

    mutating func removeAll() {
        self.head = nil
        self.tail = []
    }
}

extension SmallQueue: Sendable where Element: Sendable {}
