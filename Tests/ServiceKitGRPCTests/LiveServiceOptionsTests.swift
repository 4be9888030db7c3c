import Foundation
import GRPCCore
import ServiceKit
import ServiceKitConfig
import ServiceKitTestSupport
import ServiceKitTesting
import Synchronization
import Testing

@testable import ServiceKitGRPC

/// Options of single services that change while the App runs.
@Suite(.timeLimit(.minutes(3)))
struct LiveServiceOptionsTests {
    @Test func optionsOfAServiceLieOverThoseOfAllAndBothChangeForTheNextCall() async throws {
        let gate = Gate()
        let yaml = "client: {timeouts: {default: 40ms}}"
        try await withLiveApp("", ["Hold": TestService.text("held", behind: gate)]) { live, channel in
            try await live.change(to: yaml)
            #expect(await channel.failure("Hold")?.code == .deadlineExceeded)
            // One method of the service: the default stays that of all services.
            let own = "\(yaml)\nclients: {test: {timeouts: {methods: {/test.Service/Hold: 1h}}}}"
            try await live.change(to: own)
            gate.open()
            #expect(try await channel.text("Hold") == "held")
            try await live.change(to: "client: {timeouts: {default: 1h}}\nclients: {test: {timeouts: {default: 1ns}}}")
            #expect(live.status.refusal?.contains("4:38: clients.test.timeouts.default: expected 1ms") == true)
            try await live.change(to: "client: {balancer: random}\nclients: {test: {balancer: round_robin}}")
            #expect(try await channel.text("Hold") == "held")
            #expect(live.status.refusal == nil && live.status.needsRestart == [])
        }
    }

    @Test func eachServiceHasItsBalancerAndItsRetries() async throws {
        let yaml = { (balancer: String) in
            "client: {balancer: random, retry: {attempts: 5}}\n"
                + "clients: {b: {balancer: \(balancer), retry: {burst: 3}}}"
        }
        let live = try await LiveApp(yaml("round_robin"), registry: MemoryRegistry())
        let channels = try ["a", "b"].map { try live.app.channel($0) }
        #expect(channels.map(\.core.options.balancer) == ["random", "round_robin"])
        #expect(channels.map(\.core.options.retry.attempts) == [5, 5])
        #expect(channels.map(\.core.options.retry.burst) == [1000, 3])
        try await serving(live.app, log: live.log) {
            try await live.change(to: yaml("least_request"))
            #expect(channels.map(\.core.options.balancer) == ["random", "least_request"])
            try await live.change(to: "client: {balancer: p2c}")
            #expect(channels.map(\.core.options.balancer) == ["p2c", "p2c"])
            #expect(channels.map(\.core.options.retry.burst) == [1000, 1000])
        }
    }

    @Test(arguments: [
        ("{test: {balanser: p2c}}", "3:18: clients.test.balanser: unknown key; did you mean"),
        ("{other: {retry: {attempts: 0}}}", "3:37: clients.other.retry.attempts: expected 1 to 100"),
        ("{other: {balancers: {ring: {}}}}", "3:37: clients.other.balancers.ring: no balancer"),
        ("{user.v1: {timeouts: {default: 0s}}}", "3:41: clients.user.v1.timeouts.default: expected 1ms"),
        ("{test: p2c}", "3:17: clients.test: expected a mapping"),
        ("{'a b': {}}", "3:18: clients.a b: service name \"a b\" is not valid"),
    ])
    func badOptionOfAServiceIsRefusedWithItsPlace(_ options: String, _ error: String) async throws {
        try await withLiveApp { live, channel in
            try await live.change(to: "clients: \(options)")
            #expect(live.status.refusal?.hasPrefix("\(live.file):\(error)") == true, "\(live.status)")
            #expect(try await channel.text() == "a")
        }
        let live = try await LiveApp("clients: \(options)", registry: MemoryRegistry())
        #expect(throws: ConfigurationError.self) { try live.app.channel("test") }
    }

    @Test func optionOfConnectionsNeedsARestartOnlyForAServiceThatIsCalled() async throws {
        try await withLiveApp { live, _ in
            try await live.change(to: "clients: {test: {max-queued-calls: 7}, other: {max-queued-calls: 7}}")
            try await eventually { live.status.needsRestart == ["clients.test.max-queued-calls"] }
        }
    }
}
