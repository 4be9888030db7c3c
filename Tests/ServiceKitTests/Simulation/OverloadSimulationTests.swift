import ServiceKit
import ServiceKitTesting
import Testing

extension SimulatedFleets {
    /// What limits are held to under too many calls, with wide bounds. `make simulate` prints the figures.
    @Suite struct OverloadSimulationTests {
        private static let adaptive = SimulationPolicy("adaptive") { _, server in server.limit.concurrency = .adaptive }
        private static let none = SimulationPolicy("none") { _, _ in }

        @Test func fiveTimesTheCallsAreBorne() {
            let result = SimulationScenario.overload(during: .seconds(4)..<(.seconds(10))).run(Self.adaptive)
            // Two servers of 400 calls per second.
            #expect(result.goodput >= 0.9 * 800)
            #expect(result.servedLatency(0.99) < .milliseconds(200))
            #expect(result.successRate(of: .critical) >= 0.99)
            #expect(result.successRate(of: .sheddable) < result.successRate(of: .default))
        }

        /// P2: a spike to 1.4 times the capacity.
        @Test func spikeIsBackInBoundsSoon() throws {
            let result = SimulationScenario.spike.run(Self.adaptive)
            // Four servers of 2000 calls per second.
            #expect(result.goodput >= 0.95 * 8000)
            // The queueing delay goes to about what `target-delay` says, 20 ms, and stays there. The limit takes 0.4 s to that:
            // its windows have 100 ms. Breakwater, whose requests take 10 µs, does it within 20 ms.
            let delays = Dictionary(grouping: result.attempts) { Int(($0.begin - .seconds(2)) / .milliseconds(10)) }
                .mapValues { $0.compactMap(\.queueDelay).sorted() }
            for step in 0..<199 {
                let delays = try #require(delays[step])
                #expect(delays[delays.count / 2] < .milliseconds(step < 50 ? 60 : 30), "\(step)")
            }
        }

        @Test func queuesGrowWithoutALimit() {
            let result = SimulationScenario.spike.run(Self.none)
            #expect(result.during(.seconds(3)..<(.seconds(4))).queueDelay(0.5) > .milliseconds(100))
        }

        @Test func limitGrowsWithAServerThatBecomesFaster() {
            let simulation = Simulation(seed: 3)
            var server = SimulatedServer()
            server.workers = 4
            server.limit.concurrency = .adaptive
            server.speed = 0.25
            simulation.addServer("only", server)
            var client = SimulatedClient()
            client.load = .perSecond(300)
            client.deadline = .seconds(1)
            simulation.addClients(1, client)
            simulation.at(.seconds(5)) { $0.changeServer("only") { $0.speed = 1 } }
            let result = simulation.run(for: .seconds(12))
            #expect(result.during(.seconds(2)..<(.seconds(5))).goodput > 85)
            #expect(result.during(.seconds(8)..<(.seconds(12))).successRate > 0.98)
        }
    }
}
