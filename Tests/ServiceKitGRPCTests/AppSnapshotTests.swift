import Foundation
import GRPCCore
import ServiceKit
import ServiceKitConfig
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKitGRPC

/// The snapshots of Apps that serve and call over gRPC.
@Suite(.timeLimit(.minutes(1)))
struct AppSnapshotTests {
    private let registry = MemoryRegistry()
    private let log = LogRecorder()

    private func app(_ name: String) throws -> App {
        try App(
            configuration: Configuration(yaml: "app: {name: \(name), version: '2'}\nshutdown: {lame-duck: 0}"),
            registry: registry,
            logger: log.logger(),
            environment: [:]
        )
    }

    /// Waits until an App's snapshot meets a condition.
    private func snapshot(
        of app: App, where condition: @Sendable (AppSnapshot) -> Bool
    ) async throws -> AppSnapshot {
        while true {
            let snapshot = app.snapshot()
            if condition(snapshot) { return snapshot }
            try Task.checkCancellation()
            await Task.yield()
        }
    }

    @Test func snapshotShowsWhatHoldsCallsBack() async throws {
        let app = try App(
            configuration: Configuration(
                yaml: """
                    app: {name: test}
                    server:
                      limit: {concurrency: fixed, fixed: {max: 7}}
                      rate-limit: {per-second: 0.001, burst: 40}
                      breaker: {enabled: true, window: 1h}
                    """),
            registry: registry, logger: log.logger(), environment: [:])
        let idle = app.snapshot().protection
        #expect(idle.concurrencyLimit == 7 && idle.breakers.isEmpty && idle.refusedCalls.rate == 0)
        for _ in 0..<50 {
            _ = await app.serverMiddleware.run(Call(side: .server, operation: "/a.B/C")) { _ in
                throw ServiceError(.unavailable, reason: "DOWN", message: "down")
            }
        }
        let protection = app.snapshot().protection
        #expect(protection.refusedCalls.rate == 10)
        #expect(protection.breakers.map(\.operation) == ["/a.B/C"])
        #expect((1...20).contains(protection.refusedCalls.breaker), "\(protection)")
        #expect(protection.refusedCalls.concurrency == 0 && protection.callsInFlight == 0)
    }

    @Test func snapshotFollowsAnAppFromStartToStop() async throws {
        let (entered, gate) = (Gate(), Gate())
        let slow: TestService.Handler = { _, _ in
            entered.open()
            try await gate.pass()
            return .text("done")
        }
        let server = try app("test")
        server.serve(TestService(id: "a", ["Slow": slow]))
        let client = try app("web")
        let channel = try client.channel("test").client

        let before = server.snapshot()
        #expect(before.instance.name == "test" && before.instance.version == "2" && before.instance.endpoints.isEmpty)
        #expect(before.health == .starting && before.registration == nil && before.servers.isEmpty)

        try await serving(client, log: log) {
            let call = Task {
                var options = CallOptions.defaults
                options.waitForReady = true
                return try await channel.unary(
                    request: ClientRequest(message: [UInt8]()),
                    descriptor: .test("Slow"),
                    serializer: Bytes(),
                    deserializer: Bytes(),
                    options: options
                ) { try $0.message }
            }
            let drained = Task {
                let snapshot = try await snapshot(of: server) { $0.step == "draining" }
                gate.open()
                return snapshot
            }
            try await serving(server, log: log) {
                try await entered.pass()
                let serving = server.snapshot()
                #expect(serving.health == .serving && serving.step == nil)
                #expect(serving.registration?.registry == "MemoryRegistry")
                #expect(serving.registration?.state == .registered && serving.registration?.cause == nil)
                #expect(serving.lastRegistryContact != nil)
                #expect(serving.servers.map(\.name) == ["grpc"] && serving.servers.map(\.state) == [.ready])
                #expect(serving.servers.map(\.load) == [ServerLoad(connections: 1, callsInFlight: 1)])
                #expect(serving.servers.map(\.endpoints.count) == [1])
                #expect(try await registry.instances(of: "test") == [serving.instance])

                let calling = client.snapshot()
                #expect(calling.registration == nil && calling.servers.isEmpty)
                #expect(calling.channels.map(\.service) == ["test"] && calling.channels.map(\.callsInFlight) == [1])
                let copy = try JSONDecoder().decode(AppSnapshot.self, from: JSONEncoder().encode(calling))
                #expect(copy == calling)
            }
            let draining = try await drained.value
            #expect(draining.health == .stopping && draining.registration?.state == .deregistered)
            #expect(draining.servers.map(\.load?.callsInFlight) == [1])
            #expect(try await call.value == Array("done".utf8))
        }
        let after = server.snapshot()
        #expect(after.health == .stopped && after.step == nil && after.registration?.state == .deregistered)
        #expect(after.servers.map(\.state) == [.ended])
        #expect(after.servers.map(\.load) == [ServerLoad(connections: 0, callsInFlight: 0)])
    }
}
