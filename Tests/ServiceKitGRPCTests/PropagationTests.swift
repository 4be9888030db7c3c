import GRPCCore
import ServiceContextModule
import ServiceKit
import ServiceKitTestSupport
import Testing

@testable import ServiceKitGRPC

/// The deadline and the headers of a served call in the calls that its handler makes.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct PropagationTests {
    private let propagation: [any Middleware] = [MetadataPropagation(), Deadlines()]

    /// Calls `b` through `a`, which runs `inA` around its own call.
    private func relay(
        metadata: Metadata,
        timeout: Duration? = nil,
        inA around: @escaping @Sendable (@Sendable () async throws -> String) async throws -> String = {
            try await $0()
        }
    ) async throws -> (atA: Call, atB: Call) {
        let (atA, atB) = (Recorder(), Recorder())
        try await withTestBed { bed in
            try await bed.server("b", middleware: propagation + [atB])
            let toB = try bed.client(middleware: propagation)
            let relay: TestService.Handler = { _, _ in .text(try await around { try await toB.text() }) }
            let server = try await bed.server(
                "a", ["Relay": relay], middleware: propagation + [atA], isRegistered: false)
            let discoverer = ScriptedDiscoverer()
            discoverer.say(try await server.endpoint)
            let toA = try bed.client(middleware: propagation, discoverer: discoverer)
            var options = CallOptions.defaults
            options.timeout = timeout
            let text = try await toA.text("Relay", metadata: metadata, options: options)
            #expect(text == "b")
        }
        return (try #require(atA.calls.value.first), try #require(atB.calls.value.first))
    }

    @Test func callsMadeWhileServingHaveTheCallersDeadline() async throws {
        let start = ContinuousClock.now
        let (atA, atB) = try await relay(metadata: [:], timeout: .seconds(45))
        let elapsed = start.duration(to: .now)
        // A deadline travels as the remaining time, and so moves by the transit time of a message.
        for deadline in [try #require(atA.deadline), try #require(atB.deadline)] {
            #expect(deadline > start + .seconds(45))
            #expect(deadline < start + .seconds(45) + elapsed)
        }
    }

    @Test func globalHeadersAndTraceContextArePropagated() async throws {
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let metadata: Metadata = [
            "x-md-global-tenant": "acme", "x-md-local": "here", "traceparent": .string(trace), "other": "1",
        ]
        let (atA, atB) = try await relay(metadata: metadata)
        #expect(atA.metadata["x-md-local"] == "here")
        #expect(atA.metadata["other"] == "1")
        #expect(atB.metadata["x-md-global-tenant"] == "acme")
        #expect(atB.metadata["traceparent"] == trace)
        #expect(atB.metadata["x-md-local"] == nil)
        #expect(atB.metadata["other"] == nil)
        #expect(atB.deadline == nil)
    }

    @Test func outgoingMetadataReplacesPropagatedHeaders() async throws {
        let (_, atB) = try await relay(metadata: ["x-md-global-tenant": "acme"]) { call in
            try await withOutgoingMetadata(["x-md-global-tenant": "own", "x-md-b": "only"]) { try await call() }
        }
        #expect(atB.metadata.values(of: "x-md-global-tenant") == ["own"])
        #expect(atB.metadata["x-md-b"] == "only")
    }

    @Test func headersOfOneCallReplaceOutgoingMetadata() async throws {
        try await withTestBed { bed in
            let recorder = Recorder()
            try await bed.server("a", middleware: [recorder])
            let client = try bed.client(middleware: propagation)
            try await withOutgoingMetadata(["k": "outer", "l": "outer"]) {
                _ = try await client.text(metadata: ["k": "own"])
            }
            let call = try #require(recorder.calls.value.first)
            #expect(call.metadata.values(of: "k") == ["own"])
            #expect(call.metadata.values(of: "l") == ["outer"])
        }
    }
}
