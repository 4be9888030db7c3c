import ServiceKit
import ServiceKitConfig
import ServiceKitTestSupport

@testable import ServiceKitGRPC

extension ChannelOptions {
    /// Options by which calls of the tests' service are retried.
    static func retrying(
        idempotent: [String] = ["/test.Service/"],
        attempts: Int = 3,
        burst: Int = 1000,
        buffer: ByteCount = 262_144
    ) -> ChannelOptions {
        var options = ChannelOptions()
        options.retry.idempotent = idempotent
        options.retry.attempts = attempts
        options.retry.burst = burst
        options.retry.buffer = buffer
        return options
    }
}

extension TestService {
    static let databaseDown = ServiceError(
        .unavailable, reason: "DATABASE_DOWN", message: "the database is down")
    static let unavailable: Handler = { _, _ in throw databaseDown }
}

/// Runs a body with a client of two instances: the first one misbehaves, and the second one serves.
func withRawServer(
    _ behavior: RawServer.Behavior,
    _ options: ChannelOptions,
    _ body: (TestClient, OrderedBalancer) async throws -> Void
) async throws {
    try await withTestBed { bed in
        let raw = try RawServer(behavior)
        defer { raw.stop() }
        let discoverer = ScriptedDiscoverer()
        discoverer.say(raw.endpoint, try await bed.server("b", isRegistered: false).endpoint)
        let balancer = OrderedBalancer()
        let client = try bed.client(options, balancer: balancer, discoverer: discoverer)
        await balancer.waitForNodes("a", "b")
        try await body(client, balancer)
        _ = await balancer.inFlight.first { $0 == 0 }
    }
}

extension Watched<Int> {
    func increment() -> Int {
        update { count in
            count += 1
            return count
        }
    }
}
