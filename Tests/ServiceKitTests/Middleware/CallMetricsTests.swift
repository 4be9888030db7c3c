import Metrics
import MetricsTestKit
import ServiceKitConfig
import Testing

@testable import ServiceKit

@Suite struct CallMetricsTests {
    private let backend = TestMetrics()
    private let node = Node(
        instance: ServiceInstance(id: "user-1", name: "user-service"),
        endpoint: Endpoint(scheme: "grpc", host: "10.0.0.2", port: 5)
    )

    private func dimensions(_ metric: TestTimer?) -> [String: String] {
        Dictionary(metric?.dimensions ?? []) { first, _ in first }
    }

    private func methods(_ metrics: some Sequence<TestTimer>) -> [String] {
        metrics.compactMap { dimensions($0)["rpc.method"] }.sorted()
    }

    @Test func servedCallHasADurationInSecondsWithTheNamesOfOpenTelemetry() async throws {
        let metrics = CallMetrics(factory: backend)
        for _ in 0..<3 { _ = await metrics.run(.served()) }
        let timers = backend.timers(label: "rpc.server.call.duration")
        #expect(timers.count == 1 && timers.first?.values.count == 3 && timers.first?.displayUnit == .seconds)
        #expect(
            dimensions(timers.first) == [
                "rpc.system.name": "grpc", "rpc.method": "user.v1.UserService/GetUser",
                "rpc.response.status_code": "OK",
            ])
    }

    @Test func madeCallNamesTheServiceAndEveryErrorIsAFailure() async throws {
        let metrics = try #require(CallMetrics(factory: backend).forCalls(to: "user-service") as? CallMetrics)
        let error = ServiceError(.notFound, reason: "NONE", message: "none")
        _ = await metrics.run(.made()) { _ in throw error }
        #expect(
            dimensions(backend.timers(label: "rpc.client.call.duration").first) == [
                "rpc.system.name": "grpc", "rpc.method": "user.v1.UserService/GetUser",
                "server.address": "user-service", "rpc.response.status_code": "NOT_FOUND", "error.type": "NOT_FOUND",
            ])
    }

    @Test(arguments: [(ServiceError.Code.notFound, nil), (.unavailable, "UNAVAILABLE")])
    func errorThatACallerCausesIsNoFailureOfTheServer(_ code: ServiceError.Code, _ type: String?) async throws {
        let error = ServiceError(code, reason: "NONE", message: "none")
        _ = await CallMetrics(factory: backend).run(.served()) { _ in throw error }
        #expect(dimensions(backend.timers.first)["error.type"] == type)
    }

    @Test func callsInFlightGoUpAndDown() async throws {
        let metrics = CallMetrics(factory: backend)
        _ = await metrics.run(.served()) { [backend] _ in
            #expect(backend.meters(label: "rpc.server.active_calls").first?.lastValue == 1)
            return CallResult()
        }
        #expect(backend.meters(label: "rpc.server.active_calls").first?.lastValue == 0)
    }

    @Test func methodsBeyondTheBoundCountAsOther() async throws {
        var options = CallMetrics.Options()
        options.maxMethods = 2
        let metrics = CallMetrics(options, factory: backend)
        for method in 0..<50 { _ = await metrics.run(.served("/a.B/M\(method)")) }
        let timers = backend.timers(label: "rpc.server.call.duration")
        #expect(methods(timers) == ["_OTHER", "a.B/M0", "a.B/M1"])
        #expect(timers.map(\.values.count).sorted() == [1, 1, 48])
    }

    @Test func methodsThatNoServerHasMakeNoTimeSeries() async throws {
        let metrics = CallMetrics(Replaceable(CallMetrics.Options()), factory: backend) { $0 == "/a.B/C" }
        for method in ["/a.B/C", "/x/1", "/x/2", "/x/3"] { _ = await metrics.run(.served(method)) }
        #expect(methods(backend.timers) == ["_OTHER", "a.B/C"])
        #expect(backend.meters.count == 2)
    }

    @Test func attemptHasTheNamesOfGRPC() {
        let metrics = CallMetrics(factory: backend)
        metrics.ended(CallReport(node: node, operation: "/a.B/C", latency: 7_000_000, outcome: .success))
        metrics.ended(CallReport(node: node, operation: "/a.B/C", code: .unavailable, latency: 5, outcome: .failure))
        let timers = backend.timers(label: "grpc.client.attempt.duration")
        #expect(timers.map { dimensions($0)["grpc.status"] ?? "" }.sorted() == ["OK", "UNAVAILABLE"])
        let ok = timers.first { dimensions($0)["grpc.status"] == "OK" }
        #expect(ok?.values == [7_000_000])
        #expect(
            dimensions(ok) == ["grpc.method": "a.B/C", "grpc.target": "user-service", "grpc.status": "OK"])
    }

    @Test func changeOfTheOptionCountsForCallsThatBeginLater() async throws {
        let options = Replaceable(CallMetrics.Options())
        let metrics = CallMetrics(options, factory: backend)
        _ = await metrics.run(.served()) { _ in
            options.set(
                {
                    var off = CallMetrics.Options(); off.enabled = false; return off
                }())
            return CallResult()
        }
        _ = await metrics.run(.served())
        #expect(backend.timers.first?.values.count == 1)
        #expect(backend.meters.first?.lastValue == 0)
    }

    @Test func callWithoutABackendIsLeftAlone() async throws {
        let call = try await CallMetrics(factory: NOOPMetricsHandler.instance).begun(.served())
        #expect(!call.hasEnds)
    }
}
