import GRPCCore
import ServiceKit
import ServiceKitTestSupport
import Testing

@testable import ServiceKitGRPC

/// Handlers that misuse their call: the caller gets one clear end, and the server goes on.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct ClumsyHandlerTests {
    /// The answers, the error if there is one, and whether the server has served another call and has none left.
    private func outcome(
        of handler: @escaping TestService.Handler,
        hasMiddleware: Bool,
        options: CallOptions = .defaults,
        requests: [[UInt8]] = [[1]]
    ) async throws -> (answers: [[UInt8]], error: RPCError?) {
        let answers = Watched<[[UInt8]]>([])
        var error: RPCError?
        try await withTestBed { bed in
            let server = try await bed.server("a", ["Clumsy": handler], middleware: hasMiddleware ? [Recorder()] : [])
            let client = try bed.client()
            #expect(try await client.text() == "a")
            do {
                try await client.stream("Clumsy", options: options) { writer in
                    for request in requests { try await writer.write(request) }
                } _: { response in
                    for try await message in response.messages { answers.update { $0.append(message) } }
                }
            } catch let failure {
                error = failure as? RPCError ?? RPCError(code: .unknown, message: "no RPCError: \(failure)")
            }
            #expect(try await client.text() == "a")
            try await eventually { server.callsInFlight == 0 }
            #expect(client.channel.snapshot().callsInFlight == 0)
        }
        return (answers.value, error)
    }

    @Test(arguments: [false, true])
    func handlerThatFailsAfterHalfOfAStreamEndsItWithItsError(_ hasMiddleware: Bool) async throws {
        let (answers, error) = try await outcome(
            of: { _, _ in
                TestService.Response { writer in
                    for number: UInt8 in 0..<50 { try await writer.write([number]) }
                    throw ServiceError(.conflict, reason: "HALF", message: "half is enough")
                }
            }, hasMiddleware: hasMiddleware)
        #expect(answers.count == 50)
        #expect(error?.code == .aborted && error?.message == "half is enough")
    }

    @Test(arguments: [false, true])
    func requestThatIsNeverReadDoesNotHoldTheAnswer(_ hasMiddleware: Bool) async throws {
        let (answers, error) = try await outcome(
            of: { _, _ in .text("unread") }, hasMiddleware: hasMiddleware,
            requests: [[UInt8]](repeating: [UInt8](repeating: 0, count: 100_000), count: 20)
        )
        #expect(answers == [Array("unread".utf8)] && error == nil)
    }

    @Test(arguments: [false, true])
    func readingBehindTheEndOfTheRequestGivesNothing(_ hasMiddleware: Bool) async throws {
        let (answers, error) = try await outcome(
            of: { request, _ in
                var messages = request.messages.makeAsyncIterator()
                while try await messages.next() != nil {}
                let isOver = try await messages.next() == nil
                return .text("\(isOver)")
            }, hasMiddleware: hasMiddleware)
        #expect(answers == [Array("true".utf8)] && error == nil)
    }

    @Test(arguments: [false, true])
    func writingAfterTheHandlerHasReturnedFails(_ hasMiddleware: Bool) async throws {
        let kept = Watched<RPCWriter<[UInt8]>?>(nil)
        let failure = Watched<(any Error)?>(nil)
        let (answers, error) = try await outcome(
            of: { _, _ in
                TestService.Response { writer in
                    kept.set(writer)
                    try await writer.write([1])
                    return [:]
                }
            }, hasMiddleware: hasMiddleware)
        #expect(answers == [[1]] && error == nil)
        do {
            try await kept.value?.write([2])
        } catch {
            failure.set(error)
        }
        #expect(failure.value is RPCError, "\(String(describing: failure.value))")
    }

    @Test(arguments: [false, true])
    func readingAfterTheHandlerHasReturnedEnds(_ hasMiddleware: Bool) async throws {
        let kept = Watched<RPCAsyncSequence<[UInt8], any Error>?>(nil)
        let (answers, error) = try await outcome(
            of: { request, _ in
                kept.set(request.messages)
                return .text("kept")
            }, hasMiddleware: hasMiddleware)
        #expect(answers == [Array("kept".utf8)] && error == nil)
        // It gives what is left of the request, an end or an error, but it does not wait for ever.
        do {
            for try await message in try #require(kept.value) { #expect(message == [1]) }
        } catch {
            #expect(error is RPCError, "\(error)")
        }
    }

    @Test(arguments: [false, true])
    func severalTasksMayWriteTheResponse(_ hasMiddleware: Bool) async throws {
        let (answers, error) = try await outcome(
            of: { _, _ in
                TestService.Response { writer in
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for number: UInt8 in 0..<8 {
                            group.addTask {
                                for _ in 0..<50 { try await writer.write([UInt8](repeating: number, count: 2000)) }
                            }
                        }
                        try await group.waitForAll()
                    }
                    return [:]
                }
            }, hasMiddleware: hasMiddleware)
        #expect(answers.count == 400 && error == nil)
        #expect(answers.allSatisfy { Set($0).count == 1 && $0.count == 2000 })
    }

    @Test(arguments: [false, true])
    func severalReadersOfTheRequestFailTheCallAndNothingElse(_ hasMiddleware: Bool) async throws {
        // GRPCCore ends the program.
        guard CallPath.current == .direct else { return }
        let (_, error) = try await outcome(
            of: { request, _ in
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<4 {
                        group.addTask { try await request.messages.reduce(0) { count, _ in count + 1 } }
                    }
                    return .text("\(try await group.reduce(0, +))")
                }
            }, hasMiddleware: hasMiddleware,
            requests: [[UInt8]](repeating: [UInt8](repeating: 0, count: 60_000), count: 40)
        )
        // They may come one after the other.
        #expect(error == nil || error?.message.contains("two tasks read the same call at a time") == true)
    }

    @Test(arguments: [false, true])
    func handlerThatBlocksItsThreadDelaysItsAnswerOnly(_ hasMiddleware: Bool) async throws {
        let (answers, error) = try await outcome(
            of: { _, _ in
                let end = ContinuousClock.now + .milliseconds(50)
                while ContinuousClock.now < end {}
                return .text("late")
            }, hasMiddleware: hasMiddleware)
        #expect(answers == [Array("late".utf8)] && error == nil)
    }

    @Test(arguments: [false, true])
    func handlerThatHidesItsCancellationEndsWithTheDeadline(_ hasMiddleware: Bool) async throws {
        var options = CallOptions.defaults
        options.timeout = .milliseconds(100)
        let (answers, error) = try await outcome(
            of: { request, context in
                TestService.Response { writer in
                    try await writer.write([1])
                    try? await context.cancellation.cancelled
                    // Nobody hears it.
                    try? await writer.write([2])
                    return [:]
                }
            }, hasMiddleware: hasMiddleware, options: options)
        // On a busy machine the deadline may come before the first answer.
        #expect(answers == [[1]] || answers == [])
        #expect(error?.code == .deadlineExceeded)
    }

    /// The caller does not read: the handler's write waits for room.
    @Test(arguments: [false, true])
    func deadlineEndsAHandlerThatWaitsForRoom(_ hasMiddleware: Bool) async throws {
        let ended = Watched<(any Error)?>(nil)
        try await withTestBed { bed in
            let pour: TestService.Handler = { _, _ in
                TestService.Response { writer in
                    do {
                        while true { try await writer.write([UInt8](repeating: 0, count: 100_000)) }
                    } catch {
                        ended.set(error)
                        throw error
                    }
                }
            }
            let server = try await bed.server("a", ["Pour": pour], middleware: hasMiddleware ? [Recorder()] : [])
            let client = try bed.client()
            var options = CallOptions.defaults
            options.timeout = .milliseconds(300)
            let error = await #expect(throws: RPCError.self) {
                try await client.stream("Pour", options: options) { _ in
                } _: { response in
                    // On a busy machine the deadline may come before the handler begins.
                    _ = try response.accepted.get()
                    _ = await ended.first { $0 != nil }
                    for try await _ in response.messages {}
                }
            }
            #expect(error?.code == .deadlineExceeded)
            try await eventually { server.callsInFlight == 0 }
        }
    }
}
