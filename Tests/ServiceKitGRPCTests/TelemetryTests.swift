import GRPCCore
import InMemoryTracing
import Metrics
import MetricsTestKit
import ServiceKit
import ServiceKitConfig
import ServiceKitTestSupport
import ServiceKitTesting
import Testing
import Tracing

@testable import ServiceKitGRPC

/// Traces and metrics of real calls.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct TelemetryTests {
    @Test func callThroughTwoServicesIsOneTrace() async throws {
        let tracer = InMemoryTracer()
        let middleware: [any Middleware] = [CallTracing(tracer), MetadataPropagation()]
        try await withTestBed { bed in
            try await bed.server("b", middleware: middleware)
            let toB = try bed.client(middleware: middleware)
            let relay: TestService.Handler = { _, _ in .text(try await toB.text()) }
            let server = try await bed.server("a", ["Relay": relay], middleware: middleware, isRegistered: false)
            let discoverer = ScriptedDiscoverer()
            discoverer.say(try await server.endpoint)
            let toA = try bed.client(middleware: middleware, discoverer: discoverer)
            #expect(try await toA.text("Relay") == "b")
            try await eventually { tracer.activeSpans.isEmpty && tracer.finishedSpans.count == 6 }
        }
        let spans = tracer.finishedSpans
        #expect(Set(spans.map(\.traceID)).count == 1)
        // Each span is the child of the one before: call, attempt and handler of `a`, then those of `b`.
        var names: [String] = []
        var span = spans.first { $0.parentSpanID == nil }
        while let next = span {
            names.append("\(next.kind) \(next.operationName)")
            span = spans.first { $0.parentSpanID == next.spanID }
        }
        #expect(
            names == [
                "client test.Service/Relay", "client Attempt.test.Service/Relay", "server test.Service/Relay",
                "client test.Service/Name", "client Attempt.test.Service/Name", "server test.Service/Name",
            ])
    }

    @Test func appMeasuresItsMethodsAndCountsUnknownOnesTogether() async throws {
        let (backend, log, registry) = (TestMetrics(), LogRecorder(), MemoryRegistry())
        // The first call of each App finds the backend of its task.
        let app = try App(
            configuration: Configuration(yaml: "app: {name: test}\nshutdown: {lame-duck: 0}"),
            registry: registry,
            logger: log.logger(),
            environment: [:]
        )
        app.serve(TestService(id: "a"))
        let chain = app.serverMiddleware
        try await serving(app, log: log) {
            await withMetricsFactory(backend) {
                for operation in ["/test.Service/Name", "/evil/1", "/evil/2"] {
                    _ = await chain.run(Call(side: .server, operation: operation)) { _ in CallResult() }
                }
            }
        }
        let methods = backend.timers(label: "rpc.server.call.duration").flatMap(\.dimensions)
            .filter { $0.0 == "rpc.method" }.map(\.1)
        #expect(methods.sorted() == ["_OTHER", "test.Service/Name"])
    }

    @Test func refusedCallsAreMeasuredAndHaveNoSpan() async throws {
        let (backend, log) = (TestMetrics(), LogRecorder())
        let app = try App(
            configuration: Configuration(
                yaml: """
                    app: {name: test}
                    shutdown: {lame-duck: 0}
                    server: {rate-limit: {per-second: 0.001, burst: 1}}
                    """),
            registry: MemoryRegistry(),
            logger: log.logger(),
            environment: [:]
        )
        app.serve(TestService(id: "a"))
        let tracer = InMemoryTracer()
        app.use(CallTracing(tracer))
        let chain = app.serverMiddleware
        try await serving(app, log: log) {
            await withMetricsFactory(backend) {
                for _ in 1...2 {
                    let call = Call(side: .server, operation: "/test.Service/Name", peer: "ipv4:192.0.2.1:9")
                    _ = await chain.run(call) { _ in CallResult() }
                }
            }
        }
        let timers = backend.timers(label: "rpc.server.call.duration")
        let statuses = timers.flatMap(\.dimensions).filter { $0.0 == "rpc.response.status_code" }.map(\.1)
        #expect(statuses.sorted() == ["OK", "RESOURCE_EXHAUSTED"])
        #expect(tracer.finishedSpans.count == 1)
    }

    @Test func statusOfAnAttemptIsTheServersOwn() async throws {
        let reports = Watched<[CallStatus]>([])
        struct Statuses: CallObserver {
            let reports: Watched<[CallStatus]>
            func ended(_ report: CallReport) { reports.update { $0.append(report.status) } }
        }
        try await withTestBed { bed in
            let fail: TestService.Handler = { _, _ in throw RPCError(code: .alreadyExists, message: "it exists") }
            try await bed.server("a", ["Fail": fail])
            let client = try bed.client(pipeline: NodePipeline(observers: [Statuses(reports: reports)]))
            await #expect(throws: RPCError.self) { try await client.text("Fail") }
        }
        #expect(reports.value == [.alreadyExists])
    }
}
