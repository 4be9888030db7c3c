import Foundation
import GRPCCore
import ServiceKit
import ServiceKitTestSupport
import Synchronization
import Testing

@testable import ServiceKitGRPC

/// Callers that leave their calls at random: each call has one outcome, and nothing of it stays.
///
/// `KIT_TEST_LEAVING_SECONDS` makes the test go on for so many seconds for each path, and print its counts. Default: 64
/// calls of each caller.
///
/// The printed memory grows by about 150 bytes a call: Swift Testing keeps a backtrace of each thrown error until the test
/// ends. `make soak-transport` bounds the memory of a process without it.
@Suite(.bothPaths, .timeLimit(.minutes(20)))
struct LeavingCallersTests {
    private static let callers = 64
    private static let seconds = ProcessInfo.processInfo.environment["KIT_TEST_LEAVING_SECONDS"].flatMap(Int.init)

    private enum Kind: CaseIterable {
        case unary, echo, hang, stall, pour, pourWithoutEnd, fail, early
    }

    private static let handlers: [String: TestService.Handler] = [
        // It ends with its call.
        "Hang": { _, context in
            try await context.cancellation.cancelled
            throw CancellationError()
        },
        // It waits for the end of the request.
        "Collect": { request, _ in
            .text("\(try await request.messages.reduce(0) { count, _ in count + 1 })")
        },
        "Pour": { request, _ in
            let message = try await request.messages.first { _ in true } ?? []
            return TestService.Response { writer in
                for _ in 0..<(message.first ?? 0) { try await writer.write(message) }
                return [:]
            }
        },
        "PourWithoutEnd": { _, _ in
            TestService.Response { writer in
                while true { try await writer.write([UInt8](repeating: 1, count: 5000)) }
            }
        },
        "Fail": { _, _ in throw ServiceError(.conflict, reason: "ALWAYS", message: "it never works") },
        // It answers before it has read the request.
        "Early": { _, _ in .text("enough") },
    ]

    /// The numbers of calls by their outcomes.
    private final class Tally: Sendable {
        private let counts = Mutex<[String: Int]>([:])
        private let wrong = Mutex<[String]>([])

        func add(_ outcome: String) { counts.withLock { $0[outcome, default: 0] += 1 } }
        func addWrong(_ text: String) { wrong.withLock { if $0.count < 10 { $0.append(text) } } }

        var wrongOutcomes: [String] { wrong.withLock(\.self) }
        var total: Int { counts.withLock { $0.values.reduce(0, +) } }
        var summary: String { counts.withLock { "\($0.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" })" } }
    }

    /// Counts calls that have begun, and their ends.
    private struct Counter: Middleware {
        let begun = Watched(0)
        let ended = Watched(0)

        func begin(_ call: inout Call) {
            begun.update { $0 += 1 }
            call.onEnd { [ended] _, _ in ended.update { $0 += 1 } }
        }
    }

    @Test func eachCallHasOneOutcomeAndLeavesNothing() async throws {
        let (atClient, atServer, tally) = (Counter(), Counter(), Tally())
        try await withTestBed { bed in
            let servers = [
                try await bed.server("a", Self.handlers, middleware: [atServer], maxResets: 1_000_000),
                try await bed.server("b", Self.handlers, middleware: [atServer], maxResets: 1_000_000),
            ]
            let client = try bed.client(middleware: [atClient])
            #expect(try await client.text().count == 1)
            let (memory, start) = (Watched([ResidentMemory.kibibytes]), ContinuousClock.now)
            let end = Self.seconds.map { start + .seconds($0) }
            await withTaskGroup(of: Void.self) { group in
                if let seconds = Self.seconds {
                    group.addTask {
                        for _ in 0..<6 {
                            try? await Task.sleep(for: .seconds(seconds) / 6)
                            memory.update { $0.append(ResidentMemory.kibibytes) }
                        }
                    }
                }
                for caller in 0..<Self.callers {
                    group.addTask {
                        var generator = SeededGenerator(seed: UInt64(caller))
                        var calls = 0
                        while end.map({ .now < $0 }) ?? (calls < 64) {
                            await Self.makeCall(client, tally, &generator)
                            calls += 1
                        }
                    }
                }
            }
            // A call is over for the channel when its function returns.
            let snapshot = client.channel.snapshot()
            #expect(snapshot.callsInFlight == 0 && snapshot.callsWaiting == 0)
            #expect(atClient.begun.value == atClient.ended.value)
            #expect(atClient.begun.value <= tally.total + 1)
            #expect(tally.wrongOutcomes == [])
            try await eventually { servers.allSatisfy { $0.callsInFlight == 0 } }
            #expect(atServer.begun.value == atServer.ended.value)
            if Self.seconds != nil {
                print("\(CallPath.current): \(tally.total) calls: \(tally.summary); resident KiB: \(memory.value)")
            }
            // A connection ends gracefully with its last stream: a stream that stays would keep it.
            for server in servers { await server.drain() }
            await client.shutDown()
        }
    }

    private static func makeCall(_ client: TestClient, _ tally: Tally, _ generator: inout SeededGenerator) async {
        let kind = Kind.allCases.randomElement(using: &generator) ?? .unary
        let size = Int.random(in: 0...3000, using: &generator)
        let count = Int.random(in: 1...20, using: &generator)
        var options = CallOptions.defaults
        if Int.random(in: 0..<4, using: &generator) == 0 {
            options.timeout = .microseconds(Int.random(in: 1...20_000, using: &generator))
        }
        // Before the call begins, while it runs, or never.
        let patience: Duration? =
            switch Int.random(in: 0..<8, using: &generator) {
            case 0: .zero
            case 1..<5: .microseconds(Int.random(in: 1...10_000, using: &generator))
            default: [.hang, .stall].contains(kind) && options.timeout == nil ? .milliseconds(5) : nil
            }
        let call = Task { [options] in
            try await answer(of: kind, client, [UInt8](repeating: UInt8(count), count: size + 1), count, options)
        }
        let leaving = patience.map { patience in
            Task {
                if patience > .zero { try? await Task.sleep(for: patience) }
                call.cancel()
            }
        }
        let outcome = await call.result
        leaving?.cancel()
        await leaving?.value
        switch outcome {
        case .success(let isRight):
            tally.add("answered")
            if !isRight { tally.addWrong("a wrong answer to \(kind)") }
        case .failure(let error as RPCError):
            tally.add("\(error.code)")
            let isExpected =
                switch error.code {
                case .cancelled: patience != nil
                case .deadlineExceeded: options.timeout != nil
                case .aborted: kind == .fail
                default: false
                }
            if !isExpected { tally.addWrong("\(kind): \(error)") }
        case .failure(let error):
            tally.add("cancelled before the call")
            if !(error is CancellationError) || patience == nil { tally.addWrong("\(kind): \(error)") }
        }
    }

    /// Makes a call.
    ///
    /// - Returns: Whether the answer is right.
    private static func answer(
        of kind: Kind, _ client: TestClient, _ message: [UInt8], _ count: Int, _ options: CallOptions
    ) async throws -> Bool {
        switch kind {
        case .unary:
            return try await client.text(options: options).count == 1
        case .echo:
            let messages = [[UInt8]](repeating: message, count: count)
            return try await client.echo(messages, options: options) == messages
        case .hang:
            _ = try await client.text("Hang", options: options)
            return false
        case .stall:
            _ = try await client.stream("Collect", options: options) { writer in
                try await writer.write(message)
                // A sleep would keep its memory until its time, although it is cancelled.
                try await Gate().pass()
            } _: { response in
                try await response.messages.reduce(into: []) { $0 += $1 }
            }
            return false
        case .pour:
            return try await client.responses("Pour", message, options: options).count == count
        case .pourWithoutEnd:
            return try await client.responses("PourWithoutEnd", first: count, options: options).count == count
        case .fail:
            _ = try await client.text("Fail", options: options)
            return false
        case .early:
            return try await client.stream("Early", options: options) { writer in
                while true { try await writer.write(message) }
            } _: { response in
                try await response.messages.reduce(into: []) { $0.append($1) } == [Array("enough".utf8)]
            }
        }
    }
}
