import NIOCore
import Testing

@testable import ServiceKitHTTP2

/// The time until a server without free descriptors accepts again.
@Suite struct AcceptPauseTests {
    private var pause = AcceptPause()

    /// Accepting a connection fails.
    private mutating func fail(afterSeconds seconds: Int64 = 0) -> AcceptPause.Beginning? {
        pause.failed(now: .uptimeNanoseconds(1_000_000_000_000) + .seconds(seconds))
    }

    private mutating func end(_ number: Int? = nil) -> Bool {
        pause.end(number: number)
    }

    @Test mutating func pausesGrow() {
        var lengths: [TimeAmount?] = []
        for _ in 0..<9 {
            let beginning = fail()
            lengths.append(beginning?.length)
            #expect(pause.isPaused)
            let isOver = end(beginning?.number)
            #expect(isOver)
        }
        #expect(lengths == [10, 20, 40, 80, 160, 320, 640, 1000, 1000].map { .milliseconds($0) })
        pause.accepted()
        let next = fail()
        #expect(next?.length == .milliseconds(10))
    }

    @Test mutating func thereIsOnePauseAtATime() throws {
        let first = fail()
        let second = fail()
        #expect(second == nil)
        let number = try #require(first?.number)
        let ends = [end(number), end(number)]
        #expect(ends == [true, false])
        #expect(!pause.isPaused)
    }

    @Test mutating func aConnectionThatClosesEndsThePause() throws {
        let nothingToEnd = end()
        #expect(!nothingToEnd)
        let first = fail()
        let isOver = end()
        #expect(isOver)
        let second = fail()
        // The timer of the first pause is void.
        let ends = [end(try #require(first?.number)), end(try #require(second?.number))]
        #expect(ends == [false, true])
    }

    @Test mutating func warningsAreFew() {
        var warnings: [Int64] = []
        for second in Int64(0)..<121 {
            let beginning = fail(afterSeconds: second)
            if beginning?.isWarningDue == true { warnings.append(second) }
            _ = end()
        }
        #expect(warnings == [0, 60, 120])
    }
}
