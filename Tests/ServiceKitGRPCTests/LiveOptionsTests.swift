import Foundation
import GRPCCore
import ServiceKit
import ServiceKitConfig
import ServiceKitTestSupport
import ServiceKitTesting
import Synchronization
import Testing

@testable import ServiceKitGRPC

/// Options of servers and channels that change while the App runs.
@Suite(.timeLimit(.minutes(3)))
struct LiveOptionsTests {
    // MARK: - Calls

    @Test func retryOptionsChangeForTheNextCall() async throws {
        // Every other call fails.
        let calls = Atomic(0)
        let flaky: TestService.Handler = { _, _ in
            let number = calls.add(1, ordering: .relaxed).newValue
            if number.isMultiple(of: 2) { return .text("even") }
            throw ServiceError(.unavailable, reason: "ODD", message: "odd")
        }
        try await withLiveApp("", ["Flaky": flaky]) { live, channel in
            #expect(await channel.failure("Flaky")?.code == .unavailable)
            #expect(await channel.failure("Flaky") == nil)
            try await live.change(to: "client: {retry: {idempotent: [/test.Service/Flaky]}}")
            // There are two retries, however long this takes.
            for _ in 1...2 { #expect(try await channel.text("Flaky") == "even") }
            try await live.change(to: "client: {retry: {idempotent: [/test.Service/Flaky], attempts: 1}}")
            #expect(await channel.failure("Flaky")?.code == .unavailable)
            #expect(await channel.failure("Flaky") == nil)
            // No retry is left.
            try await live.change(to: "client: {retry: {idempotent: [/test.Service/Flaky], burst: 0}}")
            #expect(await channel.failure("Flaky")?.code == .unavailable)
            #expect(live.status.needsRestart == [])
        }
    }

    @Test(arguments: ["client", "server"])
    func timeoutsChangeForTheNextCall(_ side: String) async throws {
        let gate = Gate()
        try await withLiveApp("", ["Hold": TestService.text("held", behind: gate)]) { live, channel in
            let first = Task { try await channel.text("Hold") }
            await gate.waitForArrivals()
            try await live.change(to: "\(side): {timeouts: {default: 50ms}}")
            #expect(await channel.failure("Hold")?.code == .deadlineExceeded)
            try await live.change(to: "\(side): {timeouts: {default: 1h, methods: {/test.Service/Hold: 40ms}}}")
            #expect(await channel.failure("Hold")?.code == .deadlineExceeded)
            // A call has the limits with which it began.
            gate.open()
            #expect(try await first.value == "held")
            try await live.change(to: "\(side): {timeouts: {default: 1h}}")
            #expect(try await channel.text("Hold") == "held")
            #expect(live.status.needsRestart == [])
        }
    }

    @Test(arguments: ["client", "server"])
    func faultsChangeForTheNextCall(_ side: String) async throws {
        try await withLiveApp { live, channel in
            try await live.change(to: "\(side): {faults: {abort: {status: PERMISSION_DENIED}}}")
            #expect(await channel.failure()?.code == .permissionDenied)
            try await live.change(to: "\(side): {faults: {methods: {/test.Service/: {abort: {status: NOT_FOUND}}}}}")
            #expect(await channel.failure()?.code == .notFound)
            try await live.change(to: "\(side): {faults: {delay: {duration: 1ms, percentage: 200}}}")
            #expect(live.status.refusals == 1)
            #expect(await channel.failure()?.code == .notFound)
            try await live.change(to: "")
            #expect(try await channel.text() == "a")
            #expect(live.status.needsRestart == [])
        }
    }

    @Test(arguments: ["client: {", "clients: {test: {", "server: {"])
    func breakersChangeForTheNextCall(_ section: String) async throws {
        let down: TestService.Handler = { _, _ in throw ServiceError(.unavailable, reason: "DOWN", message: "down") }
        func yaml(_ isEnabled: Bool) -> String {
            let end = section.hasPrefix("clients") ? "}}" : "}"
            return section + "breaker: {enabled: \(isEnabled), min-requests: 5, window: 1h}" + end
        }
        func refusals(_ channel: ServiceChannel) async -> Int {
            var count = 0
            for _ in 0..<50 where await channel.failure("Down")?.serviceError.reason == "CIRCUITBREAKER" { count += 1 }
            return count
        }
        try await withLiveApp("", ["Down": down]) { live, channel in
            #expect(await refusals(channel) == 0)
            try await live.change(to: yaml(true))
            #expect(await refusals(channel) > 10)
            try await live.change(to: yaml(false))
            #expect(await refusals(channel) == 0)
            #expect(live.status.needsRestart == [])
        }
    }

    @Test func faultsOfOneServiceConcernItsCallsOnly() async throws {
        try await withLiveApp("clients: {other: {faults: {abort: {status: NOT_FOUND}}}}") { live, channel in
            #expect(try await channel.text() == "a")
            try await live.change(to: "clients: {test: {faults: {abort: {status: ABORTED}}}}")
            #expect(await channel.failure()?.code == .aborted)
        }
    }

    @Test func limitsChangeForTheNextCall() async throws {
        let gate = Gate()
        try await withLiveApp("", ["Hold": TestService.text("held", behind: gate)]) { live, channel in
            try await live.change(to: "server: {limit: {concurrency: fixed, fixed: {max: 1}}}")
            let first = Task { try await channel.text("Hold") }
            await gate.waitForArrivals()
            #expect(await channel.failure()?.serviceError.reason == "OVERLOADED")
            try await live.change(to: "server: {rate-limit: {per-second: 0.001, burst: 1}}")
            #expect(try await channel.text() == "a")
            #expect(await channel.failure()?.serviceError.reason == "RATE_LIMITED")
            try await live.change(to: "")
            #expect(try await channel.text() == "a")
            gate.open()
            #expect(try await first.value == "held")
            #expect(live.status.needsRestart == [])
        }
    }

    @Test func waitsForAnInstanceChangeForTheNextCall() async throws {
        let live = try await LiveApp("client: {settle-timeout: 1h, ready-timeout: 1h}", registry: MemoryRegistry())
        let channel = try live.app.channel("nobody")
        try await serving(live.app, log: live.log) {
            try await live.change(to: "client: {settle-timeout: 1ms, ready-timeout: 1h}")
            #expect(await channel.failure()?.code == .unavailable)
            try await live.change(to: "client: {settle-timeout: 1h, ready-timeout: 2ms}")
            #expect(await channel.failure()?.code == .unavailable)
        }
    }

    // MARK: - Options of connections

    @Test func guideListsTheOptionsThatChange() async throws {
        let page = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/options.md")
        let text = try String(contentsOf: page.standardizedFileURL, encoding: .utf8)
        let paths = text.split(separator: "\n").filter { $0.hasPrefix("- `") }.map { line in
            String(line.dropFirst(3).prefix { $0 != "`" })
        }
        try await withLiveApp { live, _ in #expect(live.app.configuration.followedPaths == paths) }
    }

    @Test func optionsOfConnectionsNeedARestart() async throws {
        try await withLiveApp { live, _ in
            try await live.change(
                to: """
                    client:
                      tls: {server-name: test}
                      connect-timeout: 7s
                      backoff: {max: 7s}
                      max-connections-per-node: 7
                      max-connection-idle: 7s
                      max-queued-calls: 7
                      keepalive: {timeout: 7s}
                      compression: {algorithm: gzip}
                      limits: {max-message: 7MiB}
                      retry: {attempts: 7}
                    server:
                      grpc: {max-connections: 7}
                    """)
            let paths = [
                "client.backoff.max", "client.compression.algorithm", "client.connect-timeout",
                "client.keepalive.timeout", "client.limits.max-message", "client.max-connection-idle",
                "client.max-connections-per-node", "client.max-queued-calls", "client.tls.server-name",
                "server.grpc.max-connections",
            ]
            try await eventually { live.status.needsRestart.sorted() == paths }
        }
    }
}
