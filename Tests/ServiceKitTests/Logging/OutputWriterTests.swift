import Foundation
import ServiceKitTestSupport
import Testing

@testable import ServiceKit

@Suite(.timeLimit(.minutes(2))) struct OutputWriterTests {
    @Test func linesAreWrittenInTheirOrder() async throws {
        let pipe = try StalledPipe(isFull: false)
        let writer = OutputWriter(pipe.writer)
        let reading = pipe.read(until: "999\n")
        for number in 0..<1000 { writer.write("\(number)\n") }
        #expect(await reading.value == (0..<1000).map { "\($0)\n" }.joined())
        #expect(writer.flush(within: .seconds(60)))
    }

    @Test func unreadPipeDelaysNoWriterAndDroppedLinesAreCounted() async throws {
        let pipe = try StalledPipe()
        let writer = OutputWriter(pipe.writer, limits: .init(bytes: 10_000, lines: 1000))
        // Without a queue it would hang here.
        for number in 0..<5000 { writer.write("line \(number)\n") }
        #expect(!writer.flush(within: .milliseconds(1)))

        let reading = pipe.read(until: "\nend\n")
        #expect(writer.flush(within: .seconds(60)), "waiting lines are written when somebody reads")
        writer.write("end\n")
        let text = await reading.value
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("line ") }
        let dropped = text.matches(of: /servicekit\.log: dropped=(\d+) \[ServiceKit\]/).compactMap { Int($0.1) }
        #expect(lines.count >= 600)
        #expect(lines.count + dropped.reduce(0, +) == 5000)
        #expect(lines == (0..<lines.count).map { "line \($0)" }, "the lines are in order, and without a gap")
        #expect(dropped.count == 1)
    }

    @Test func concurrentWritersLoseNoCount() async throws {
        let pipe = try StalledPipe()
        let writer = OutputWriter(pipe.writer, limits: .init(bytes: 10_000, lines: 1000))
        let reading = pipe.read(until: "\nend\n", pause: .microseconds(200))
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask { for number in 0..<5000 { writer.write("line \(number)\n") } }
            }
        }
        #expect(writer.flush(within: .seconds(60)))
        writer.write("end\n")
        let text = await reading.value
        let lines = text.split(separator: "\n").count { $0.hasPrefix("line ") }
        let dropped = text.matches(of: /dropped=(\d+)/).compactMap { Int($0.1) }.reduce(0, +)
        #expect(lines + dropped == 40_000)
    }

    @Test func processExitWaitsNoLongerThanTheLimit() throws {
        let pipe = try StalledPipe()
        let writer = OutputWriter(pipe.writer)
        writer.writeLast("error\n")
        let time = ContinuousClock().measure { #expect(!writer.flush(within: .milliseconds(50))) }
        #expect(time >= .milliseconds(50))
    }

    @Test func aClosedPipeIsNotWaitedFor() async throws {
        let pipe = try StalledPipe(isFull: false)
        pipe.closeReader()
        let writer = OutputWriter(pipe.writer, limits: .init(bytes: 10_000, lines: 1000))
        // The signal SIGPIPE would end this process: it must not come.
        for number in 0..<5000 { writer.write("line \(number)\n") }
        #expect(!writer.flush(within: .seconds(600)), "an end that it refuses is an end")
        #expect(await writer.isAbandoned.first(where: \.self) == true)
    }

    @Test func aFullDiskIsTriedAgain() async throws {
        let directory = try TemporaryDirectory()
        let file = open("/dev/full", O_WRONLY | O_CLOEXEC)
        try #require(file >= 0)
        let writer = OutputWriter(file)
        writer.write("first\n")
        writer.write("second\n")
        #expect(!writer.flush(within: .seconds(600)))
        #expect(!writer.isAbandoned.value)

        // There is room now.
        let path = directory.path("log")
        let other = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        try #require(dup2(other, file) >= 0)
        close(other)
        writer.write("third\n")
        try await eventually { (try? String(contentsOfFile: path, encoding: .utf8)) == "first\nsecond\nthird\n" }
    }

    @Test func writeWhenRoomWaitsForRoom() async throws {
        let pipe = try StalledPipe()
        let writer = OutputWriter(pipe.writer, limits: .init(bytes: 1000, lines: 100))
        let writing = Task {
            for number in 0..<2000 { await writer.writeWhenRoom("line \(number)\n") }
        }
        let reading = pipe.read(until: "line 1999\n")
        #expect(await reading.value.suffix(20) == "line 1998\nline 1999\n".suffix(20))
        await writing.value
        #expect(!(await reading.value.contains("dropped")))
    }

    @Test(arguments: [false, true])
    func waitForRoomEndsWithCancellationOrClosedPipe(byCancellation: Bool) async throws {
        let pipe = try StalledPipe()
        let writer = OutputWriter(pipe.writer, limits: .init(bytes: 100, lines: 10))
        let writing = Task {
            for number in 0..<2000 { await writer.writeWhenRoom("line \(number)\n") }
        }
        if byCancellation { writing.cancel() } else { writer.stopWaiting() }
        await writing.value
    }
}
