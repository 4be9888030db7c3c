import Testing

@testable import ServiceKitHTTP2

@Suite struct SmallQueueTests {
    @Test(arguments: [0, 1, 2, 3, 100])
    func queueKeepsItsOrder(_ count: Int) {
        var queue = SmallQueue<Int>()
        for element in 0..<count { queue.append(element) }
        #expect(queue.isEmpty == (count == 0))
        #expect(queue.first == (count == 0 ? nil : 0))
        var elements: [Int] = []
        while let element = queue.popFirst() { elements.append(element) }
        #expect(elements == Array(0..<count))
        #expect(queue.isEmpty)
    }

    @Test func queueKeepsItsOrderWhileItGrows() {
        var queue = SmallQueue<Int>()
        var expected = 0
        for element in 0..<1000 {
            queue.append(element)
            // The queue grows to a third of the elements.
            if element % 3 != 0 {
                #expect(queue.popFirst() == expected)
                expected += 1
            }
        }
        while let element = queue.popFirst() {
            #expect(element == expected)
            expected += 1
        }
        #expect(expected == 1000)
    }

    @Test func emptiedQueueCanBeUsedAgain() {
        var queue = SmallQueue<Int>()
        for element in 0..<5 { queue.append(element) }
        queue.removeAll()
        #expect(queue.isEmpty)
        queue.append(9)
        #expect(queue.popFirst() == 9)
        #expect(queue.popFirst() == nil)
    }
}
