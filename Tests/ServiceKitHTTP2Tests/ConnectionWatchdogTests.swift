import NIOCore
import ServiceKitTestSupport
import Testing

@testable import ServiceKitHTTP2

/// The time limits of a connection, with a clock that the test sets.
@Suite struct ConnectionWatchdogTests {
    private static let birth = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    private static func at(_ seconds: Double) -> NIODeadline {
        birth + Duration.seconds(seconds)
    }

    private static func care(
        _ configure: (inout ConnectionTimes) -> Void = { _ in }
    ) -> ConnectionWatchdog {
        var times = ConnectionTimes(writeTimeout: .seconds(20))
        configure(&times)
        var generator = LowestGenerator()
        return ConnectionWatchdog(times: times, now: birth, using: &generator)
    }

    /// A watchdog whose peer was ready at once.
    private static func readyCare(
        areCallsOpen: Bool = true,
        _ configure: (inout ConnectionTimes) -> Void = { _ in }
    ) -> ConnectionWatchdog {
        var care = self.care(configure)
        care.becameReady(now: birth)
        care.callsChanged(areOpen: areCallsOpen, now: birth)
        return care
    }

    /// Checks, and compares the action.
    private static func expect(
        _ action: ConnectionWatchdog.Action?,
        of care: inout ConnectionWatchdog,
        at seconds: Double,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let actual = care.check(now: self.at(seconds))
        #expect(actual == action, "at \(seconds) s", sourceLocation: sourceLocation)
    }

    // MARK: Handshake

    @Test func slowHandshakeIsEnded() {
        var care = Self.care { $0.handshakeTimeout = .seconds(10) }
        #expect(care.nextCheck == Self.at(10))
        Self.expect(nil, of: &care, at: 9.9)
        Self.expect(
            .close("the client did not complete the handshake in time", limit: .handshakeTimeout), of: &care, at: 10
        )
    }

    @Test func completeHandshakeIsNotWatched() {
        var care = Self.care { $0.handshakeTimeout = .seconds(10) }
        care.becameReady(now: Self.at(9))
        #expect(care.nextCheck == nil)
        Self.expect(nil, of: &care, at: 100)
    }

    @Test func disabledLimitsAreNotWatched() {
        var care = Self.readyCare()
        #expect(care.nextCheck == nil)
        Self.expect(nil, of: &care, at: 1_000_000)
    }

    // MARK: Writing

    @Test func peerThatDoesNotReadIsDisconnected() {
        var care = Self.readyCare()
        care.writingStalled(now: Self.at(5))
        // The beginning of the wait counts.
        care.writingStalled(now: Self.at(20))
        #expect(care.nextCheck == Self.at(25))
        Self.expect(nil, of: &care, at: 24)
        Self.expect(.close("the peer does not read what is sent to it", limit: .writeTimeout), of: &care, at: 25)
    }

    @Test func peerThatReadsAgainIsKept() {
        var care = Self.readyCare()
        care.writingStalled(now: Self.at(5))
        care.writingContinued()
        #expect(care.nextCheck == nil)
        Self.expect(nil, of: &care, at: 30)
        care.writingStalled(now: Self.at(30))
        #expect(care.nextCheck == Self.at(50))
    }

    // MARK: Keep-alive

    private static func keptAlive(_ times: inout ConnectionTimes) {
        times.keepaliveTime = .seconds(10)
        times.keepaliveTimeout = .seconds(3)
    }

    @Test func silentPeerIsPingedAndThenDisconnected() {
        var care = Self.readyCare(Self.keptAlive)
        #expect(care.nextCheck == Self.at(10))
        Self.expect(nil, of: &care, at: 9.9)
        Self.expect(.ping, of: &care, at: 10)
        #expect(care.nextCheck == Self.at(13))
        Self.expect(nil, of: &care, at: 12.9)
        Self.expect(.close("the peer gave no sign of life (keep-alive)", limit: nil), of: &care, at: 13)
    }

    @Test func anyReceivedBytesCountAsLife() {
        var care = Self.readyCare(Self.keptAlive)
        care.read(now: Self.at(6))
        #expect(care.nextCheck == Self.at(16))
        Self.expect(nil, of: &care, at: 10)
        Self.expect(.ping, of: &care, at: 16)
        care.read(now: Self.at(18))
        Self.expect(nil, of: &care, at: 19)
        #expect(care.nextCheck == Self.at(28))
        // The same again, from the beginning.
        Self.expect(.ping, of: &care, at: 28)
        Self.expect(.close("the peer gave no sign of life (keep-alive)", limit: nil), of: &care, at: 31)
    }

    @Test func connectionWithoutCallsIsNotPinged() {
        var care = Self.readyCare(areCallsOpen: false, Self.keptAlive)
        #expect(care.nextCheck == nil)
        Self.expect(nil, of: &care, at: 200)
        // The peer has been silent for long when a call begins.
        care.callsChanged(areOpen: true, now: Self.at(205))
        #expect(care.nextCheck == Self.at(10), "long past")
        Self.expect(.ping, of: &care, at: 205)
    }

    @Test func connectionWithoutCallsIsPingedIfAllowed() {
        var care = Self.readyCare(areCallsOpen: false) {
            Self.keptAlive(&$0)
            $0.keepaliveWithoutCalls = true
        }
        Self.expect(.ping, of: &care, at: 10)
    }

    /// The peer has its full time to answer a ping, whether or not the last call ends meanwhile.
    @Test func unansweredPingCountsAfterTheLastCall() {
        var care = Self.readyCare(Self.keptAlive)
        Self.expect(.ping, of: &care, at: 10)
        care.callsChanged(areOpen: false, now: Self.at(11))
        #expect(care.nextCheck == Self.at(13))
        Self.expect(.close("the peer gave no sign of life (keep-alive)", limit: nil), of: &care, at: 13)
    }

    @Test func noPingIsSentDuringTheHandshake() {
        var care = Self.care(Self.keptAlive)
        #expect(care.nextCheck == nil)
        Self.expect(nil, of: &care, at: 60)
    }

    // MARK: Idleness

    @Test func idleConnectionIsDrained() {
        var care = Self.readyCare(areCallsOpen: false) { $0.maxIdle = .seconds(30) }
        #expect(care.isIdle)
        #expect(care.nextCheck == Self.at(30))
        Self.expect(nil, of: &care, at: 29)
        Self.expect(.drain("the connection was idle"), of: &care, at: 30)
        #expect(care.nextCheck == nil, "once")
        Self.expect(nil, of: &care, at: 90)
    }

    @Test func callsInterruptIdleness() {
        var care = Self.readyCare(areCallsOpen: false) { $0.maxIdle = .seconds(30) }
        care.callsChanged(areOpen: true, now: Self.at(10))
        #expect(!care.isIdle)
        #expect(care.nextCheck == nil)
        Self.expect(nil, of: &care, at: 100)
        care.callsChanged(areOpen: false, now: Self.at(100))
        // A second report of idleness does not restart the time.
        care.callsChanged(areOpen: false, now: Self.at(120))
        #expect(care.nextCheck == Self.at(130))
        Self.expect(.drain("the connection was idle"), of: &care, at: 130)
    }

    @Test func drainingConnectionIsNotDrainedAgain() {
        var care = Self.readyCare(areCallsOpen: false) {
            $0.maxIdle = .seconds(30)
            $0.maxAge = .seconds(60)
            $0.maxAgeGrace = .seconds(5)
        }
        care.isBeingDrained()
        #expect(care.nextCheck == nil)
        Self.expect(nil, of: &care, at: 1000)
    }

    // MARK: Age

    @Test func oldConnectionIsDrainedAndClosedAfterTheGrace() {
        var care = Self.readyCare {
            $0.maxAge = .seconds(100)
            $0.maxAgeGrace = .seconds(10)
        }
        // The generator yields the lowest value: a tenth less than configured.
        #expect(care.nextCheck == Self.at(90))
        Self.expect(nil, of: &care, at: 89)
        Self.expect(.drain("the connection has reached its maximum age"), of: &care, at: 91)
        #expect(care.nextCheck == Self.at(101))
        Self.expect(nil, of: &care, at: 100)
        Self.expect(
            .close("the connection has reached its maximum age, and the grace is over", limit: nil), of: &care, at: 101
        )
    }

    @Test func drainingWithoutAGraceEndsNoCalls() {
        var care = Self.readyCare { $0.maxAge = .seconds(100) }
        Self.expect(.drain("the connection has reached its maximum age"), of: &care, at: 90)
        #expect(care.nextCheck == nil)
        Self.expect(nil, of: &care, at: 100_000)
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func jitterOfTheAgeIsAtMostATenth(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var times = ConnectionTimes(writeTimeout: .seconds(20))
        times.maxAge = .seconds(1000)
        let care = ConnectionWatchdog(times: times, now: Self.birth, using: &generator)
        let age = try #require(care.nextCheck) - Self.birth
        #expect(age >= .seconds(900) && age < .seconds(1100))
    }

    @Test func maximumAgeIsJittered() {
        var generator = SeededGenerator(seed: 1)
        var times = ConnectionTimes(writeTimeout: .seconds(20))
        times.maxAge = .seconds(1000)
        let ages = Set(
            (0..<20).map { _ in
                ConnectionWatchdog(times: times, now: Self.birth, using: &generator).nextCheck
            })
        #expect(ages.count == 20)
    }

    @Test func longestTimesDoNotOverflow() throws {
        var care = Self.readyCare(areCallsOpen: false) {
            $0.maxAge = .seconds(Int64.max)
            $0.maxAgeGrace = .seconds(Int64.max)
            $0.maxIdle = .seconds(Int64.max)
            $0.keepaliveTime = .seconds(Int64.max)
            $0.keepaliveTimeout = .seconds(Int64.max)
            $0.writeTimeout = .seconds(Int64.max)
        }
        care.writingStalled(now: Self.birth)
        let next = try #require(care.nextCheck)
        #expect(next >= Self.birth + TimeAmount.hours(24 * 365 * 9))
        Self.expect(nil, of: &care, at: 1_000_000)
    }

    // MARK: Progress

    /// The channel of a closed connection may take a while to be gone: TLS says goodbye first.
    @Test(
        arguments: [
            { $0.handshakeTimeout = .seconds(1) },
            {
                $0.maxAge = .seconds(1)
                $0.maxAgeGrace = .zero
            },
        ] as [@Sendable (inout ConnectionTimes) -> Void])
    func connectionIsClosedOnce(_ configure: @Sendable (inout ConnectionTimes) -> Void) {
        var care = Self.care(configure)
        var closings = 0
        for second in 0..<10 {
            if case .close = care.check(now: Self.at(Double(second))) { closings += 1 }
        }
        #expect(closings == 1)
        #expect(care.nextCheck == nil, "there is nothing left to be done")
    }

    /// Calls `check` whenever `nextCheck` says so, as a connection does, while all possible events happen at random: at
    /// one time, there are never more than three actions.
    @Test(arguments: 0..<60 as Range<UInt64>)
    func nextCheckIsAlwaysLater(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        func time(_ range: ClosedRange<Int>, orNever: Bool = true) -> Duration? {
            orNever && Bool.random(using: &generator) ? nil : .seconds(Int.random(in: range, using: &generator))
        }
        var times = ConnectionTimes(writeTimeout: time(0...20, orNever: false) ?? .zero)
        times.keepaliveTime = time(0...20)
        times.keepaliveTimeout = time(0...20, orNever: false) ?? .zero
        times.keepaliveWithoutCalls = Bool.random(using: &generator)
        times.maxIdle = time(0...40)
        times.maxAge = time(0...200)
        times.maxAgeGrace = time(0...20)
        times.handshakeTimeout = time(0...20)
        var care = ConnectionWatchdog(times: times, now: Self.birth, using: &generator)
        var now = Self.birth
        var checksAtOneTime = 0
        for _ in 0..<500 {
            let event = now + Duration.milliseconds(Int.random(in: 0...5000, using: &generator))
            while let next = care.nextCheck, next <= event {
                checksAtOneTime = next <= now ? checksAtOneTime + 1 : 0
                now = max(now, next)
                guard checksAtOneTime <= 3 else {
                    Issue.record("with \(times) it spins at \(now - Self.birth)")
                    return
                }
                _ = care.check(now: now)
            }
            if event > now { checksAtOneTime = 0 }
            now = event
            switch Int.random(in: 0..<8, using: &generator) {
            case 0: care.becameReady(now: now)
            case 1, 2: care.read(now: now)
            case 3: care.callsChanged(areOpen: true, now: now)
            case 4: care.callsChanged(areOpen: false, now: now)
            case 5: care.writingStalled(now: now)
            case 6: care.writingContinued()
            default: if Int.random(in: 0..<50, using: &generator) == 0 { care.isBeingDrained() }
            }
        }
    }
}
