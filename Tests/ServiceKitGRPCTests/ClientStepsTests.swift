import GRPCCore
import ServiceKit
import ServiceKitTestSupport
import Testing

@testable import ServiceKitGRPC

/// Middleware around the calls that a channel makes which waits for nothing, and is run in place.
@Suite(.timeLimit(.minutes(1)))
struct ClientStepsTests {
    /// Keeps what it is told, and does something to each call.
    private struct Steps: StepwiseMiddleware {
        let log = Watched<[String]>([])
        var change: @Sendable (inout Call) throws -> Void = { _ in }

        func begin(_ call: inout Call) throws -> CallEnded? {
            try change(&call)
            log.update { $0.append("\(call.path) of \(call.peer)") }
            return { [log] outcome in
                let text =
                    switch outcome {
                    case .success(let result): "by \(result.servedBy?.id ?? "nobody"), \(result.trailers["t"] ?? "")"
                    case .failure(let error as RPCError): "\(error.code)"
                    case .failure(let error): "\(error)"
                    }
                log.update { $0.append(text) }
            }
        }
    }

    private func withClient(
        _ middleware: [any Middleware],
        _ handlers: [String: TestService.Handler] = [:],
        _ body: (TestClient) async throws -> Void
    ) async throws {
        try await withTestBed { bed in
            try await bed.server("a", handlers)
            try await body(try bed.client(middleware: middleware))
        }
    }

    @Test func itSeesTheCallAndHowItEnded() async throws {
        let steps = Steps()
        let handler: TestService.Handler = { _, _ in
            TestService.Response(single: ServerResponse(message: [], trailingMetadata: ["t": "1"]))
        }
        try await withClient([steps], ["Trail": handler]) { client in
            _ = try await client.call("Trail").message
        }
        #expect(steps.log.value == ["/test.Service/Trail of discovery:///test", "by a, 1"])
    }

    @Test func itSeesTheServersError() async throws {
        let steps = Steps()
        let handler: TestService.Handler = { _, _ in throw RPCError(code: .notFound, message: "none") }
        try await withClient([steps], ["Miss": handler]) { client in
            #expect(await client.failure("Miss")?.code == .notFound)
        }
        #expect(steps.log.value.last == "notFound")
        #expect(steps.log.value.count == 2)
    }

    @Test func whatItChangesIsSent() async throws {
        let steps = Steps { $0.metadata.append("added", for: "k") }
        let read: TestService.Handler = { request, _ in
            .text(request.metadata[stringValues: "k"].joined(separator: ","))
        }
        try await withClient([steps], ["Read": read]) { client in
            let text = try await client.text("Read", metadata: ["k": "own"])
            #expect(text == "own,added")
        }
    }

    @Test func itsDeadlineIsTheCalls() async throws {
        let steps = Steps { $0.deadline = .now + .milliseconds(20) }
        let hang: TestService.Handler = { _, _ in
            try await Gate().pass()
            return .text("")
        }
        try await withClient([steps], ["Hang": hang]) { client in
            #expect(await client.failure("Hang")?.code == .deadlineExceeded)
        }
        #expect(steps.log.value.last == "deadlineExceeded")
    }

    @Test func whatItRefusesIsNotMade() async throws {
        let outer = Steps()
        let calls = Watched(0)
        let count: TestService.Handler = { _, _ in
            calls.update { $0 += 1 }
            return .text("")
        }
        struct Inner: StepwiseMiddleware {
            func begin(_ call: inout Call) throws -> CallEnded? {
                throw ServiceError(.badRequest, reason: "R", message: "refused")
            }
        }
        try await withClient([outer, Inner()], ["Count": count]) { client in
            let failure = try #require(await client.failure("Count"))
            #expect(failure.code == .invalidArgument && failure.message == "refused")
        }
        #expect(calls.value == 0)
        #expect(outer.log.value.count == 2 && outer.log.value.last == "invalidArgument")
    }

    @Test func theInnermostIsToldFirst() async throws {
        // A type for each: of one there is but one in a chain.
        struct Named<Place>: StepwiseMiddleware {
            let name: String
            let log: Watched<[String]>

            func begin(_ call: inout Call) -> CallEnded? {
                log.update { $0.append("\(name) begins") }
                return { [name, log] _ in log.update { $0.append("\(name) ends") } }
            }
        }
        let log = Watched<[String]>([])
        try await withClient([Named<Int>(name: "outer", log: log), Named<Bool>(name: "inner", log: log)]) { client in
            _ = try await client.text()
        }
        #expect(log.value == ["outer begins", "inner begins", "inner ends", "outer ends"])
    }

    @Test func aCallerThatReadsNoFurtherEndsIt() async throws {
        let steps = Steps()
        try await withClient([steps]) { client in
            let first = try await client.stream { writer in
                try await writer.write([7])
                try await Gate().pass()
            } _: { response in
                var messages = response.messages.makeAsyncIterator()
                return try await messages.next()
            }
            #expect(first == [7])
        }
        #expect(steps.log.value.count == 2 && steps.log.value.last == "CancellationError()")
    }

    @Test func aCallerThatLeavesEndsItOnce() async throws {
        let steps = Steps()
        let entered = Gate()
        let hang: TestService.Handler = { _, _ in
            entered.open()
            try await Gate().pass()
            return .text("")
        }
        try await withClient([steps], ["Hang": hang]) { client in
            await withTaskGroup(of: Void.self) { group in
                group.addTask { _ = await client.failure("Hang") }
                try? await entered.pass()
                group.cancelAll()
            }
        }
        #expect(steps.log.value.count == 2)
        #expect(["cancelled", "CancellationError()"].contains(steps.log.value.last))
    }
}
