import GRPCCore
import ServiceKit
import ServiceKitTestSupport
import Synchronization
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitGRPC

/// A suite for both paths goes through the code of both: otherwise its tests of one path would test the other twice.
@Suite(.timeLimit(.minutes(1)))
struct BothPathsTests {
    @Test func traitRunsATestOnceForEachPath() async throws {
        let paths = Watched<[CallPath]>([])
        try await BothPathsTrait.bothPaths.provideScope(for: try #require(Test.current), testCase: Test.Case.current) {
            paths.update { $0.append(CallPath.current) }
        }
        #expect(paths.value == [.grpcCore, .direct])
    }

    /// Counts the calls that go through GRPCCore's client.
    private final class Counter: ClientInterceptor {
        let calls = Atomic(0)

        func intercept<Input: Sendable, Output: Sendable>(
            request: StreamingClientRequest<Input>,
            context: ClientContext,
            next: (StreamingClientRequest<Input>, ClientContext) async throws -> StreamingClientResponse<Output>
        ) async throws -> StreamingClientResponse<Output> {
            calls.add(1, ordering: .relaxed)
            return try await next(request, context)
        }
    }

    @Test(.bothPaths) func clientMakesItsCallsOnThePathOfTheTest() async throws {
        let counter = Counter()
        try await withTestBed { bed in
            try await bed.server("a")
            let client = try bed.client(interceptors: [counter])
            #expect(try await client.text() == "a")
            #expect(try await client.responses("Name") == [Array("a".utf8)])
            let echo = try await client.echo([[1]])
            #expect(echo == [[1]])
        }
        #expect(counter.calls.load(ordering: .relaxed) == (CallPath.current == .direct ? 0 : 3))
    }

    @Test(.bothPaths) func serverHasDirectHandlersOnTheDirectPathOnly() async throws {
        let isDirect = Watched<Bool?>(nil)
        let look: TestService.Handler = { _, context in
            let transport = try #require(context.transportSpecific as? Nghttp2ServerTransport.Context)
            isDirect.set(transport.call.method.direct != nil)
            return .text("")
        }
        try await withTestBed { bed in
            try await bed.server("a", ["Look": look])
            _ = try await bed.client().text("Look")
        }
        #expect(isDirect.value == (CallPath.current == .direct))
    }
}
