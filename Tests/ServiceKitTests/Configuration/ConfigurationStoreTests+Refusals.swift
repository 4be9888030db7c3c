@testable import ServiceKit
import ServiceKitConfig
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

/// Changes that are refused.
extension ConfigurationStoreTests {
    @Test func badSectionRefusesTheGoodOnesBesideIt() async throws {
        try await Self.running("limits: {calls: 5}\ncache: {size: 5}") { running in
            let limits = try running.store.live(Limits.self, at: "limits")
            let cache = try running.store.live(Cache.self, at: "cache")
            try await running.change(to: "cache: {size: 6}\nlimits: {calls: 0}")
            #expect(cache.value.size == 5)
            #expect(limits.value.calls == 5)
            let error = "fake.yaml:2:17: limits.calls: expected 1 to 1000000, found \"0\""
            #expect(running.store.status.refusal == error)
            #expect(running.store.status.refusals == 1)
            #expect(running.store.status.generation == 1)
            let line = "error: configuration refused; the last good one stays error=\(error)"
            #expect(await running.log.first { $0.description == line } != nil)

            try await running.change(to: "cache: {size: 6}\nlimits: {calls: 7}")
            #expect(cache.value.size == 6)
            #expect(limits.value.calls == 7)
            #expect(running.store.status.refusal == nil)
            #expect(running.store.status.refusals == 1)
        }
    }

    @Test(arguments: [
        ("limits: {calls: x}", "limits.calls: expected an integer"), ("limits: [", "YAML syntax"),
        ("limits: {cals: 1}", "limits.cals: unknown key; did you mean \"calls\"?"),
        ("cahce: {}", "cahce: unknown key"),
        ("limits: {calls: \"${NO}\"}", "limits.calls: the environment variable NO"),
        ("plain: x", "plain: expected an integer"),
    ])
    func mistakeAnywhereIsRefused(yaml: String, error: String) async throws {
        try await Self.running("limits: {calls: 5}\nplain: 5") { running in
            let limits = try running.store.live(Limits.self, at: "limits")
            _ = try running.store.configuration.decodeIfPresent(Int.self, at: "plain")
            running.store.configuration.claim("cache")
            try await running.change(to: yaml)
            #expect(running.store.status.refusal?.contains(error) == true, "\(running.store.status)")
            #expect(limits.value.calls == 5)
        }
    }

    @Test(arguments: ["", " \n", "# limits: {calls: 6}\n", "---\n", "~"])
    func documentThatHasLostItsKeysIsRefused(yaml: String) async throws {
        try await Self.running("limits: {calls: 5}") { running in
            let limits = try running.store.live(Limits.self, at: "limits")
            for _ in 1...2 {
                try await running.change(to: yaml)
                #expect(
                    running.store.status.refusal == "fake.yaml: has no keys any more; if all of them shall go, write {}"
                )
                #expect(limits.value.calls == 5)
                try await running.change(to: yaml + "\nother: ${X}")
            }
            try await running.change(to: "{}")
            #expect(limits.value.calls == 1)
            // It had no keys before.
            running.source.set(yaml)
            try await running.change(to: "limits: {calls: 7}")
            #expect(limits.value.calls == 7)
        }
    }

    @Test func documentOfASourceThatHasGoneTakesItsKeysAlong() async throws {
        try await Self.running("limits: {calls: 5}") { running in
            let limits = try running.store.live(Limits.self, at: "limits")
            running.source.state.set(.loaded([]))
            await running.settle()
            try await eventually { limits.value.calls == 1 }
        }
    }

    @Test func returnOfAGoodConfigurationAfterARefusalIsLogged() async throws {
        try await Self.running("limits: {calls: 5}") { running in
            _ = try running.store.live(Limits.self, at: "limits")
            try await running.change(to: "limits: {calls: 0}")
            running.source.set("limits: {calls: 5}")
            await running.settle()
            let line = "notice: configuration is good again, and the same as before generation=1"
            #expect(await running.log.first { $0.description == line } != nil)
            #expect(running.store.status.refusal == nil)
        }
    }
}
