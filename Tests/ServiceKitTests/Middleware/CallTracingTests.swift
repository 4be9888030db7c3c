import InMemoryTracing
import Logging
import ServiceContextModule
import Testing
import Tracing

@testable import ServiceKit

@Suite struct CallTracingTests {
    private let tracer = InMemoryTracer()
    private let node = Node(
        instance: ServiceInstance(id: "user-1", name: "user-service"),
        endpoint: Endpoint(scheme: "grpc", host: "10.0.0.2", port: 5)
    )

    private func text(_ span: FinishedInMemorySpan, _ key: String) -> String? {
        if case .string(let text)? = span.attributes.get(key) { return text }
        return nil
    }

    @Test func servedCallHasASpanWithTheNamesOfOpenTelemetry() async throws {
        _ = await CallTracing(tracer).run(.served())
        let span = try #require(tracer.finishedSpans.first)
        #expect(span.operationName == "user.v1.UserService/GetUser" && span.kind == .server && span.status == nil)
        #expect(text(span, "rpc.system.name") == "grpc")
        #expect(text(span, "rpc.method") == "user.v1.UserService/GetUser")
        #expect(text(span, "rpc.response.status_code") == "OK")
    }

    @Test(
        arguments: [
            ("ipv4:10.0.0.1:5", "10.0.0.1", 5), ("ipv6:[::1]:65535", "::1", 65535),
            ("unix:/run/a:b.sock", "/run/a:b.sock", nil),
            ("", nil, nil), ("in-process:4", nil, nil), ("ipv4:10.0.0.1", nil, nil), ("unix:", nil, nil),
        ] as [(String, String?, Int?)])
    func spanOfAServedCallNamesTheClient(_ peer: String, address: String?, port: Int?) async throws {
        _ = await CallTracing(tracer).run(Call(side: .server, operation: "/a.B/C", peer: peer))
        let span = try #require(tracer.finishedSpans.first)
        #expect(text(span, "client.address") == address)
        let expected = port.map { SpanAttribute.int64(Int64($0)) }
        #expect(span.attributes.get("client.port") == expected)
    }

    @Test func servedCallIsInTheCallersTraceAndItsSpanIsCurrentInTheHandler() async throws {
        let headers: CallMetadata = ["in-memory-trace-id": "trace-9", "in-memory-span-id": "span-9"]
        _ = await CallTracing(tracer).run(.served(metadata: headers)) { _ in
            #expect(ServiceContext.current?.inMemorySpanContext?.traceID == "trace-9")
            return CallResult()
        }
        let span = try #require(tracer.finishedSpans.first)
        #expect(span.traceID == "trace-9" && span.parentSpanID == "span-9")
    }

    @Test func callHasASpanAndEachAttemptOneInsideThatItsHeadersTell() async throws {
        var call = try await CallTracing(tracer).begun(.made())
        var spans: [String?] = []
        for number in 1...2 {
            var attempt = CallAttempt(operation: call.operation, number: number, node: node)
            try call.begin(&attempt)
            spans.append(attempt.metadata["in-memory-span-id"])
            let code: ServiceError.Code? = number == 1 ? .unavailable : nil
            attempt.end(with: CallReport(node: node, operation: call.operation, code: code, outcome: .success))
        }
        var result = CallResult()
        call.end(with: &result)
        let (attempts, calls) = (tracer.finishedSpans.dropLast(), tracer.finishedSpans.suffix(1))
        let made = try #require(calls.first)
        #expect(made.operationName == "user.v1.UserService/GetUser" && made.kind == .client && made.status == nil)
        #expect(attempts.map(\.operationName) == Array(repeating: "Attempt.user.v1.UserService/GetUser", count: 2))
        #expect(attempts.allSatisfy { $0.parentSpanID == made.spanID && $0.traceID == made.traceID })
        #expect(attempts.map(\.spanID) == spans.compactMap(\.self))
        #expect(attempts.map { text($0, "rpc.response.status_code") } == ["UNAVAILABLE", "OK"])
        #expect(attempts.map { $0.status?.code } == [.error, nil])
        #expect(text(made, "server.address") == "user-service")
        #expect(tracer.activeSpans.isEmpty)
    }

    @Test(arguments: [
        (ServiceError.Code.notFound, Call.Side.server, false), (.internalError, .server, true),
        (.deadlineExceeded, .server, true), (.cancelled, .server, false), (.notFound, .client, true),
    ])
    func spanFailsByTheRulesOfItsSide(_ code: ServiceError.Code, _ side: Call.Side, _ fails: Bool) async throws {
        let error = ServiceError(code, reason: "R", message: "why")
        _ = await CallTracing(tracer).run(side == .server ? .served() : .made()) { _ in throw error }
        let span = try #require(tracer.finishedSpans.first)
        #expect((span.status?.code == .error) == fails)
        #expect(text(span, "error.type") == (fails ? CallStatus(code).name : nil))
        #expect(span.status?.message == (fails ? "why" : nil))
    }

    @Test func methodThatNoServerHasGivesNoSpanItsName() async throws {
        let tracing = CallTracing(Replaceable(CallTracing.Options()), tracer, isServed: { _ in false })
        _ = await tracing.run(.served("/x/1"))
        let span = try #require(tracer.finishedSpans.first)
        #expect(span.operationName == "grpc" && text(span, "rpc.method") == "_OTHER")
        #expect(text(span, "rpc.method_original") == "x/1")
    }

    @Test func linesOfTheCallsLogAreWithinItsSpan() async throws {
        let lines = LogLines()
        let provider = Logger.MetadataProvider {
            ServiceContext.current?.inMemorySpanContext.map { ["trace": "\($0.traceID)"] } ?? [:]
        }
        let logger = Logger(label: "a", factory: { _ in lines.handler(provider) })
        for call in [Call.served(), .made()] {
            var call = call
            try await MiddlewareChain(CallTracing(tracer), CallLogging(logger: logger)).begin(&call)
            var result = CallResult()
            call.end(with: &result)
        }
        #expect(lines.traces.value == ["trace-1", "trace-2"])
    }

    // MARK: - Propagation

    /// An instrument that carries W3C headers, and makes no spans.
    private struct Carrier: Instrument {
        private enum Key: ServiceContextKey { typealias Value = String }

        func extract<Carrier, Extract: Extractor>(
            _ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract
        ) where Extract.Carrier == Carrier {
            context[Key.self] = extractor.extract(key: "traceparent", from: carrier)
        }

        func inject<Carrier, Inject: Injector>(
            _ context: ServiceContext, into carrier: inout Carrier, using injector: Inject
        ) where Inject.Carrier == Carrier {
            if let parent = context[Key.self] {
                injector.inject("\(parent)-next", forKey: "traceparent", into: &carrier)
            }
        }
    }

    @Test func instrumentsTraceContextReplacesTheCarriedOne() async throws {
        let chain = MiddlewareChain(CallTracing(Carrier()), MetadataPropagation())
        var served = Call.served(metadata: ["traceparent": "a", "tracestate": "old", "x-md-global-tenant": "acme"])
        try await chain.begin(&served)
        var made = Call(side: .client, operation: "/a.B/C", context: served.context)
        try await chain.begin(&made)
        var attempt = CallAttempt(operation: made.operation, node: node, metadata: made.metadata)
        try made.begin(&attempt)
        #expect(attempt.metadata["traceparent"] == "a-next" && attempt.metadata["tracestate"] == nil)
        #expect(attempt.metadata["x-md-global-tenant"] == "acme")
    }

    @Test func carriedTraceContextTravelsOnWithoutATracer() async throws {
        let chain = MiddlewareChain(CallTracing(), MetadataPropagation())
        var served = Call.served(metadata: ["traceparent": "a", "tracestate": "b"])
        try await chain.begin(&served)
        var made = Call(side: .client, operation: "/a.B/C", context: served.context)
        try await chain.begin(&made)
        #expect(made.metadata["traceparent"] == "a" && made.metadata["tracestate"] == "b")
        #expect(made.attemptBegins.isEmpty && !made.hasEnds && !served.hasEnds)
    }

    @Test func disabledTracingMakesNoSpan() async throws {
        var off = CallTracing.Options()
        off.enabled = false
        _ = await CallTracing(Replaceable(off), tracer).run(.served())
        #expect(tracer.finishedSpans.isEmpty && tracer.performedContextExtractions.isEmpty)
    }
}

/// Keeps the traces of lines.
private struct LogLines {
    let traces = Watched<[String]>([])

    func handler(_ provider: Logger.MetadataProvider) -> any LogHandler {
        Handler(metadataProvider: provider, traces: traces)
    }

    private struct Handler: LogHandler {
        var metadataProvider: Logger.MetadataProvider?
        let traces: Watched<[String]>
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.MetadataValue? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            traces.update { $0.append("\(metadataProvider?.get()["trace"] ?? "none")") }
        }
    }
}
