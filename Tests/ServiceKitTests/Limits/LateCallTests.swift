import Foundation
import ServiceKitTestSupport
import Testing

@testable import ServiceKit

/// Calls that a server cannot answer before their deadlines.
@Suite struct LateCallTests {
    private static let millisecond: UInt64 = 1_000_000
    private static let second: UInt64 = 1_000_000_000

    // MARK: - A queue and its workers

    /// A server with the shipped defaults, whose calls compute. A call that waits ends at its deadline. Work that has begun is done.
    private struct Server {
        struct Waiting {
            let number: UInt64
            let arrival: UInt64
            let deadline: UInt64
        }

        let options = ConcurrencyLimit.Options.Adaptive()
        var waiting = WaitingCalls()
        var queue: [Waiting] = []
        /// When each worker is free.
        var workers: [UInt64]
        var random = SharedGenerator(seed: 1)
        var answered = 0
        var refused = 0

        init(workers: Int) {
            self.workers = Array(repeating: 0, count: workers)
        }

        mutating func arrive(_ priority: CallPriority, at now: UInt64, timeLeft: UInt64) {
            advance(to: now)
            if let number = waiting.arrive(priority, timeLeft: { Double(timeLeft) }, at: now, options) {
                queue.append(Waiting(number: number, arrival: now, deadline: now + timeLeft))
            } else {
                refused += 1
            }
            advance(to: now)
        }

        private mutating func advance(to now: UInt64) {
            while let call = queue.first {
                let worker = workers.indices.min { workers[$0] < workers[$1] } ?? 0
                let begin = max(workers[worker], call.arrival)
                guard min(begin, call.deadline) <= now else { return }
                queue.removeFirst()
                waiting.leave(call.number, hasBegun: begin <= call.deadline, at: min(begin, call.deadline))
                if begin > call.deadline { continue }
                // Exponential, 10 ms in the mean.
                let work = -log(Double.random(in: Double.leastNonzeroMagnitude...1, using: &random)) * 10e6
                workers[worker] = begin + UInt64(work)
                if workers[worker] <= call.deadline { answered += 1 }
            }
        }
    }

    /// Lets calls with deadlines of 200 ms arrive for 20 s.
    ///
    /// - Returns: The server, and the calls that it could answer.
    private func serve(_ load: Double, workers: Int, _ priority: CallPriority) -> (Server, possible: Double) {
        var server = Server(workers: workers)
        let rate = Double(workers) * 100 * load
        let count = Int(rate * 20)
        for number in 1...count {
            let now = UInt64(Double(number) / rate * 1e9)
            server.arrive(priority, at: now, timeLeft: 200 * Self.millisecond)
        }
        return (server, min(Double(count), Double(workers) * 2000))
    }

    /// The queue was as long as the target allows, 500 ms: 0.14 of the calls were answered in time.
    @Test(arguments: [1.5, 2, 5], CallPriority.allCases)
    func serverUnderOverloadAnswersInTimeWhatItCan(_ load: Double, _ priority: CallPriority) {
        for workers in [1, 8] {
            let (server, possible) = serve(load, workers: workers, priority)
            #expect(Double(server.answered) > 0.9 * possible, "\(workers) workers")
        }
    }

    @Test func serverThatKeepsUpRefusesNoCall() {
        for load in [0.5, 0.8] {
            let (server, possible) = serve(load, workers: 8, .default)
            #expect(server.refused == 0 && Double(server.answered) > 0.99 * possible)
        }
    }

    // MARK: - The middleware

    /// A server in which 20 calls wait, of which one begins each 10 ms: ten are left, which take 100 ms.
    private struct BusyServer {
        let now = Watched(LateCallTests.second)
        let instant = ContinuousClock.now
        let limit: ConcurrencyLimit
        var calls: [Call]

        init(begun: Int = 10, timeouts: Deadlines.Options = Deadlines.Options()) throws {
            let usage = ProcessorUsage(processors: 1) { [now] in now.value }
            limit = ConcurrencyLimit(
                Replaceable(ConcurrencyLimit.Options()), timeouts: Replaceable(timeouts), now: { [now] in now.value },
                instant: { [instant] in instant }, usage: usage)
            calls = (0..<20).map { _ in Call(side: .server, operation: "/a.B/C") }
            for index in calls.indices { try limit.beginServing(&calls[index]) }
            for index in 0..<begun {
                now.update { $0 += 10 * LateCallTests.millisecond }
                calls[index].begun()
            }
        }

        /// The error of a call that is refused.
        func refusal(
            timeLeft: Duration?, _ priority: CallPriority = .default, _ operation: String = "/a.B/C"
        ) -> PreparedError? {
            var call = Call(
                side: .server, operation: operation, metadata: [CallPriority.header: .string(priority.rawValue)],
                deadline: timeLeft.map { instant + $0 })
            do {
                try limit.beginServing(&call)
                var result = CallResult()
                call.end(with: &result)
                return nil
            } catch {
                return error as? PreparedError
            }
        }
    }

    @Test(arguments: CallPriority.allCases) func lateCallIsRefusedAsOverload(_ priority: CallPriority) throws {
        let server = try BusyServer()
        let error = try #require(server.refusal(timeLeft: .milliseconds(150), priority))
        #expect(error.serviceError.code == .tooManyRequests && error.serviceError.reason == "OVERLOADED")
        #expect(error.trailers["servicekit-refused"] == "1" && error.trailers["grpc-retry-pushback-ms"] == "100")
        #expect(server.limit.snapshot.refused == 1)
        #expect(server.refusal(timeLeft: .milliseconds(300), priority) == nil)
        #expect(server.refusal(timeLeft: nil, priority) == nil)
        // Its answer is another one: the deadline has passed.
        #expect(server.refusal(timeLeft: .zero, priority) == nil && server.refusal(timeLeft: .seconds(-1)) == nil)
    }

    @Test func limitOfTheServerIsADeadline() throws {
        var timeouts = Deadlines.Options()
        timeouts.methods = ["/a.B/Fast": .milliseconds(100)]
        let server = try BusyServer(timeouts: timeouts)
        #expect(server.refusal(timeLeft: nil, .default, "/a.B/Fast") != nil)
        #expect(server.refusal(timeLeft: .seconds(5), .default, "/a.B/Fast") != nil)
        #expect(server.refusal(timeLeft: nil) == nil)
    }

    /// A burst, or a handler that blocks all others: how long that takes, nobody knows.
    @Test func withoutAPredictionNoCallIsRefused() throws {
        let server = try BusyServer(begun: 0)
        #expect(server.refusal(timeLeft: .milliseconds(2)) == nil)
        server.now.update { $0 += 100 * Self.millisecond }
        #expect(server.refusal(timeLeft: .milliseconds(2)) == nil)
    }

    @Test func reflectionIsNotRefused() throws {
        let reflection = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
        #expect(try BusyServer().refusal(timeLeft: .milliseconds(10), .default, reflection) == nil)
    }
}
