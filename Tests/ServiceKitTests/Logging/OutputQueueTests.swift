import Testing

@testable import ServiceKit

@Suite struct OutputQueueTests {
    /// A queue with bounds of bytes and lines. Its notices read `dropped 3`.
    func queue(bytes: Int = 1000, lines: Int = 100) -> OutputQueue {
        OutputQueue(limits: .init(bytes: bytes, lines: lines)) { "dropped \($0)\n" }
    }

    @Test func linesKeepTheirOrder() {
        var queue = queue()
        #expect(queue.isEmpty)
        for number in 1...3 { queue.append("\(number)\n") }
        #expect(queue.takeAll() == ["1\n2\n3\n"])
        #expect(queue.isEmpty)
        #expect(queue.take() == nil)
    }

    @Test func batchHasWholeLinesAndFitsAPipe() {
        var queue = queue(bytes: 1 << 20, lines: 10_000)
        let line = String(repeating: "x", count: 999) + "\n"
        for _ in 0..<9 { queue.append(line) }
        let long = String(repeating: "y", count: 5000) + "\n"
        queue.append(long)
        queue.append(line)
        #expect(queue.takeAll().map(\.utf8.count) == [4000, 4000, 1000, 5001, 1000])
    }

    @Test func linesThatDoNotFitAreDroppedAndCounted() {
        var queue = queue(bytes: 20)
        for number in 0..<10 { queue.append("line\(number)\n") }
        #expect(queue.dropped == 7)
        #expect(queue.takeAll() == ["line0\nline1\nline2\n", "dropped 7\n"])
        #expect(queue.dropped == 0)
        queue.append("more\n")
        #expect(queue.takeAll() == ["more\n"])
    }

    @Test func numberOfLinesIsBounded() {
        var queue = queue(lines: 4)
        for number in 0..<6 { queue.append("\(number)\n") }
        #expect(queue.takeAll() == ["0\n1\n2\n3\n", "dropped 2\n"])
    }

    /// Otherwise there would be a gap, and a notice about it, after every batch.
    @Test func dropsGoOnUntilHalfIsFree() {
        var queue = queue(bytes: 16_000, lines: 1000)
        let line = String(repeating: "x", count: 999) + "\n"
        for _ in 0..<17 { queue.append(line) }
        #expect(queue.dropped == 1)
        // 12 of 16 kB are left.
        _ = queue.take()
        queue.append("short\n")
        #expect(queue.dropped == 2)
        // 8 are.
        _ = queue.take()
        #expect(queue.dropped == 0)
        queue.append("short\n")
        #expect(queue.takeAll().joined().hasSuffix("xx\ndropped 2\nshort\n"))
    }

    @Test func lineLongerThanTheQueueIsDropped() {
        var queue = queue(bytes: 40)
        queue.append("first\n")
        queue.append(String(repeating: "x", count: 41))
        queue.append("last\n")
        #expect(queue.takeAll() == ["first\ndropped 1\nlast\n"])
    }

    @Test func droppedLineIsNotFormatted() {
        var queue = queue(lines: 2)
        #expect(queue.dropIfFull() == false)
        queue.append("1\n")
        queue.append("2\n")
        #expect(queue.dropIfFull() == true)
        #expect(queue.dropIfFull() == true)
        #expect(queue.takeAll() == ["1\n2\n", "dropped 2\n"])
        #expect(queue.dropIfFull() == false)
    }

    @Test func theLastLineIsNeverDropped() {
        var queue = queue(lines: 2)
        for number in 1...5 { queue.append("\(number)\n") }
        queue.appendLast("error\n")
        #expect(queue.takeAll() == ["1\n2\ndropped 3\nerror\n"])
    }

    @Test func offeredLinesAreRefusedWithoutADrop() {
        var queue = queue(bytes: 10)
        #expect(queue.offer("12345678\n") == true)
        #expect(queue.offer("9\n") == false)
        #expect(queue.dropped == 0)
        #expect(queue.takeAll() == ["12345678\n"])
        #expect(queue.offer("9\n") == true)
    }

    @Test func emptyQueueTakesOfferedLinesOfAnyLength() {
        var queue = queue(bytes: 10)
        let text = String(repeating: String(repeating: "x", count: 99) + "\n", count: 100)
        #expect(queue.offer(text, lines: 100) == true)
        let batches = queue.takeAll()
        #expect(batches.joined() == text)
        #expect(batches.map(\.utf8.count) == [4000, 4000, 2000])
    }
}

extension OutputQueue {
    fileprivate mutating func append(_ line: String) {
        var line = line
        line.withUTF8 { append($0) }
    }

    fileprivate mutating func appendLast(_ line: String) {
        var line = line
        line.withUTF8 { appendLast($0) }
    }

    fileprivate mutating func offer(_ text: String, lines: Int = 1) -> Bool {
        var text = text
        return text.withUTF8 { offer($0, lines: lines) }
    }

    fileprivate mutating func takeAll() -> [String] {
        var batches: [String] = []
        while let batch = take() { batches.append(String(decoding: batch, as: UTF8.self)) }
        return batches
    }
}
