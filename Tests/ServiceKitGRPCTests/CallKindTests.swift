import Foundation
import GRPCCore
import GRPCNghttp2Transport
import ServiceKit
import ServiceKitConfig
import ServiceKitTestSupport
import Testing

@testable import ServiceKitGRPC

/// Every kind of call, with and without middleware around it.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct CallKindTests {
    /// The middleware of both sides.
    enum Surrounding: CaseIterable {
        case nothing, middleware

        var middleware: [any Middleware] {
            self == .nothing ? [] : [Recorder()]
        }
    }

    private func withEcho(
        _ surrounding: Surrounding,
        _ handlers: [String: TestService.Handler] = [:],
        options: ChannelOptions = ChannelOptions(),
        _ body: (TestClient) async throws -> Void
    ) async throws {
        try await withTestBed { bed in
            try await bed.server("a", handlers, middleware: surrounding.middleware)
            let balancer = OrderedBalancer()
            let client = try bed.client(options, balancer: balancer, middleware: surrounding.middleware)
            await balancer.waitForNodes("a")
            try await body(client)
            _ = await balancer.inFlight.first { $0 == 0 }
        }
    }

    @Test(arguments: Surrounding.allCases)
    func unary(_ surrounding: Surrounding) async throws {
        let handler: TestService.Handler = { request, _ in
            let message = try await request.messages.first { _ in true } ?? []
            return TestService.Response(
                single: ServerResponse(
                    message: message.reversed(), metadata: ["head": "1"], trailingMetadata: ["tail": "2"])
            )
        }
        try await withEcho(surrounding, ["Reverse": handler]) { client in
            let response = try await client.call("Reverse", [1, 2, 3])
            let message = try response.message
            #expect(message == [3, 2, 1])
            #expect(response.metadata.text("head") == "1")
            #expect(response.trailingMetadata.text("tail") == "2")
        }
    }

    @Test(arguments: Surrounding.allCases)
    func clientStreaming(_ surrounding: Surrounding) async throws {
        let handler: TestService.Handler = { request, _ in
            .text("\(try await request.messages.reduce(0) { $0 + $1.count })")
        }
        try await withEcho(surrounding, ["Sum": handler]) { client in
            let sum = try await client.stream("Sum") { writer in
                for count in 1...100 { try await writer.write([UInt8](repeating: 0, count: count)) }
            } _: { response in
                try await response.messages.reduce(into: []) { $0.append($1) }
            }
            #expect(sum == [Array("5050".utf8)])
        }
    }

    @Test(arguments: Surrounding.allCases)
    func serverStreaming(_ surrounding: Surrounding) async throws {
        let handler: TestService.Handler = { _, _ in
            TestService.Response { writer in
                for number in 0..<100 { try await writer.write([UInt8(number)]) }
                return [:]
            }
        }
        try await withEcho(surrounding, ["Count": handler]) { client in
            let numbers = try await client.stream("Count") { _ in
            } _: { response in
                try await response.messages.reduce(into: []) { $0 += $1 }
            }
            #expect(numbers == Array(0..<100))
        }
    }

    @Test(arguments: Surrounding.allCases)
    func bidirectionalStreaming(_ surrounding: Surrounding) async throws {
        try await withEcho(surrounding) { client in
            let (messages, answers) = AsyncStream.makeStream(of: UInt8.self)
            let received = try await client.stream { writer in
                // Each message is written after the answer to the one before.
                try await writer.write([0])
                for await number in messages.prefix(20) { try await writer.write([number + 1]) }
            } _: { response in
                var received: [UInt8] = []
                for try await message in response.messages {
                    received += message
                    answers.yield(message[0])
                }
                return received
            }
            #expect(received == Array(0...20))
        }
    }

    @Test(arguments: Surrounding.allCases)
    func largeMessages(_ surrounding: Surrounding) async throws {
        try await withEcho(surrounding) { client in
            let message = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0) }
            let received = try await client.echo([message, [1], message])
            #expect(received == [message, [1], message])
        }
    }

    @Test func tooLargeResponseEndsTheCall() async throws {
        var options = ChannelOptions()
        options.limits.maxMessage = 1000
        try await withEcho(.nothing, options: options) { client in
            let small = try await client.echo([[UInt8](repeating: 0, count: 1000)])
            #expect(small.count == 1)
            #expect(await client.failure("Echo", [UInt8](repeating: 0, count: 1001))?.code == .resourceExhausted)
        }
    }

    @Test(arguments: Surrounding.allCases)
    func aSlowReaderHoldsBackTheWriter(_ surrounding: Surrounding) async throws {
        let (written, gate) = (Watched(0), Gate())
        let handler: TestService.Handler = { request, _ in
            try await gate.pass()
            return .text("\(try await request.messages.reduce(0) { count, _ in count + 1 })")
        }
        try await withEcho(surrounding, ["Slow": handler]) { client in
            let call = Task {
                try await client.stream("Slow") { writer in
                    for _ in 0..<200 {
                        try await writer.write([UInt8](repeating: 0, count: 65_536))
                        written.update { $0 += 1 }
                    }
                } _: { response in
                    try await response.messages.reduce(into: []) { $0 += $1 }
                }
            }
            // The buffers are full. Without backpressure the writer would be far beyond them after so many turns of the
            // other tasks.
            _ = await written.first { $0 >= 4 }
            for _ in 0..<1000 { await Task.yield() }
            #expect(written.value < 40)
            gate.open()
            let count = try await call.value
            #expect(count == Array("200".utf8))
        }
    }

    @Test(arguments: Surrounding.allCases)
    func aCallerThatLeavesEndsTheHandler(_ surrounding: Surrounding) async throws {
        let ended = Watched(false)
        let handler: TestService.Handler = { _, context in
            TestService.Response { writer in
                defer { ended.set(true) }
                for number in 0... { try await writer.write([UInt8(truncatingIfNeeded: number)]) }
                return [:]
            }
        }
        try await withEcho(surrounding, ["Forever": handler]) { client in
            let first = try await client.stream("Forever") { _ in
            } _: { response in
                try await response.messages.first { _ in true }
            }
            #expect(first == [0])
            _ = await ended.first(where: \.self)
        }
    }

    @Test(arguments: Surrounding.allCases)
    func aCancelledCallEndsTheHandler(_ surrounding: Surrounding) async throws {
        let (entered, ended) = (Gate(), Watched(false))
        let handler: TestService.Handler = { _, context in
            entered.open()
            try await context.cancellation.cancelled
            ended.set(true)
            throw CancellationError()
        }
        try await withEcho(surrounding, ["Hang": handler]) { client in
            let call = Task { await client.failure("Hang") }
            try await entered.pass()
            call.cancel()
            #expect(await call.value?.code == .cancelled)
            _ = await ended.first(where: \.self)
        }
    }

    /// The handler does not look at the cancellation of its call.
    @Test(arguments: Surrounding.allCases)
    func cancelledCallCancelsTheTaskOfItsHandler(_ surrounding: Surrounding) async throws {
        // GRPCCore leaves the task alone.
        if CallPath.current == .grpcCore, surrounding == .nothing { return }
        let (gate, isCancelled) = (Gate(), Watched(false))
        let handler: TestService.Handler = { _, _ in
            defer { isCancelled.set(Task.isCancelled) }
            try await gate.pass()
            return .text("not cancelled")
        }
        try await withEcho(surrounding, ["Hang": handler]) { client in
            let call = Task { await client.failure("Hang") }
            await gate.waitForArrivals()
            call.cancel()
            #expect(await call.value?.code == .cancelled)
            #expect(await isCancelled.first(where: \.self) == true)
        }
    }

    @Test(arguments: Surrounding.allCases)
    func aRequestThatFailsEndsTheCall(_ surrounding: Surrounding) async throws {
        struct Broken: Error {}
        try await withEcho(surrounding) { client in
            let isCause = try await client.stream { writer in
                try await writer.write([1])
                throw Broken()
            } _: { response in
                do {
                    for try await _ in response.messages {}
                    return false
                } catch {
                    return (error as? RPCError)?.cause is Broken
                }
            }
            #expect(isCause)
        }
    }

    /// Each writer would keep a thread from the readers if it could go on after the answer.
    @Test(arguments: Surrounding.allCases)
    func earlyAnswerEndsMoreWritersThanThreads(_ surrounding: Surrounding) async throws {
        try await withEcho(surrounding, ["Enough": { _, _ in .text("enough") }]) { client in
            try await withThrowingTaskGroup(of: [UInt8].self) { group in
                for _ in 0..<4 * ProcessInfo.processInfo.activeProcessorCount {
                    group.addTask {
                        try await client.stream("Enough") { writer in
                            while true { try await writer.write([UInt8](repeating: 0, count: 10_000)) }
                        } _: { response in
                            try await response.messages.reduce(into: []) { $0 += $1 }
                        }
                    }
                }
                for try await answer in group { #expect(answer == Array("enough".utf8)) }
            }
        }
    }

    @Test(arguments: Surrounding.allCases)
    func anEarlyAnswerEndsTheRequest(_ surrounding: Surrounding) async throws {
        try await withEcho(surrounding, ["Enough": { _, _ in .text("enough") }]) { client in
            let answer = try await client.stream("Enough") { writer in
                while true { try await writer.write([UInt8](repeating: 0, count: 10_000)) }
            } _: { response in
                try await response.messages.reduce(into: []) { $0 += $1 }
            }
            #expect(answer == Array("enough".utf8))
        }
    }

    @Test(arguments: Surrounding.allCases)
    func aDeadlineEndsTheCall(_ surrounding: Surrounding) async throws {
        let running = Watched(0)
        let handler: TestService.Handler = { _, context in
            running.update { $0 += 1 }
            defer { running.update { $0 -= 1 } }
            try await context.cancellation.cancelled
            throw CancellationError()
        }
        try await withEcho(surrounding, ["Hang": handler]) { client in
            var options = CallOptions.defaults
            options.timeout = .milliseconds(200)
            #expect(await client.failure("Hang", options: options)?.code == .deadlineExceeded)
            _ = await running.first { $0 == 0 }
        }
    }

    @Test(arguments: Surrounding.allCases)
    func endedCallsLeaveNothingInMemory(_ surrounding: Surrounding) async throws {
        try await withTestBed { bed in
            try await bed.server(
                "a",
                ["Fail": { _, _ in throw ServiceError(.notFound, reason: "NONE", message: "none") }],
                middleware: surrounding.middleware
            )
            weak var pool: NodePool<ClientConnection>?
            weak var balancer: OrderedBalancer?
            do {
                let client = try bed.unownedClient(middleware: surrounding.middleware)
                pool = client.client.channel.pool
                balancer = client.balancer
                _ = try await client.client.echo([[1], [2]])
                _ = await client.client.failure("Fail")
                _ = try await client.client.stream { writer in
                    while true { try await writer.write([1]) }
                } _: { response in
                    try await response.messages.first { _ in true }
                }
                let hanging = Task { await client.client.failure("Missing") }
                hanging.cancel()
                _ = await hanging.value
                await client.client.shutDown()
                #expect(client.balancer.inFlight.value == 0)
            }
            // Ended tasks may not have released their objects yet.
            while pool != nil || balancer != nil {
                try Task.checkCancellation()
                await Task.yield()
            }
        }
    }
}

extension TestBed {
    /// A client that the test alone holds.
    fileprivate func unownedClient(
        middleware: [any Middleware]
    ) throws -> (client: TestClient, balancer: OrderedBalancer) {
        let balancer = OrderedBalancer()
        var balancers = Balancers.embedded
        balancers.add("p2c") { [weak balancer] in balancer ?? OrderedBalancer() }
        let channel = try ServiceChannel(to: "test", discoverer: registry, balancers: balancers, middleware: middleware)
        return (TestClient(channel), balancer)
    }
}
