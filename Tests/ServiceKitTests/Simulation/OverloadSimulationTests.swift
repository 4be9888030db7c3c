import ServiceKit
import ServiceKitTesting
import Testing

extension SimulatedFleets {
    /// What limits are held to under too many calls, with wide bounds. `make simulate` prints the figures.
    @Suite struct OverloadSimulationTests {
        private static let adaptive = adaptive(.milliseconds(50))
        private static let none = SimulationPolicy("none") { _, _ in }

        private static func adaptive(_ target: Duration) -> SimulationPolicy {
            SimulationPolicy("adaptive") { _, server in
                server.limit.concurrency = .adaptive
                server.limit.adaptive.targetDelay = target
                server.limit.adaptive.min = 10
            }
        }

        @Test(arguments: [1, 2, 3] as [UInt64]) func fiveTimesTheCallsAreBorne(_ seed: UInt64) {
            let result = SimulationScenario.overload(during: .seconds(2)..<(.seconds(8))).run(Self.adaptive, seed: seed)
            // Two servers of 400 calls per second.
            #expect(result.goodput >= 0.9 * 800)
            #expect(result.servedLatency(0.99) < .milliseconds(200))
            #expect(result.successRate(of: .critical) >= 0.99)
            #expect(result.successRate(of: .sheddable) < result.successRate(of: .default))
        }

        /// The first second of the same overload: the limit needs no time to be found.
        @Test func fiveTimesTheCallsAreBorneAtOnce() {
            let result = SimulationScenario.overload(during: .seconds(1)..<(.seconds(2))).run(Self.adaptive)
            #expect(result.goodput >= 0.9 * 800)
            #expect(result.queueDelay(1) < .milliseconds(250))
        }

        /// P2: a spike to 1.4 times the capacity. Breakwater's delay is back in bounds within 20 ms; ours is never out of them.
        @Test(arguments: [Duration.milliseconds(20), .milliseconds(50)]) func spikeStaysInBounds(
            _ target: Duration
        ) throws {
            let result = SimulationScenario.spike.run(Self.adaptive(target))
            // Four servers of 2000 calls per second.
            #expect(result.goodput >= 0.95 * 8000)
            let delays = Dictionary(grouping: result.attempts) { Int(($0.begin - .seconds(2)) / .milliseconds(10)) }
                .mapValues { $0.compactMap(\.queueDelay).sorted() }
            for step in 0..<199 {
                let delays = try #require(delays[step])
                #expect(delays[delays.count / 2] < target * 1.25, "\(step)")
                #expect(delays[delays.count - 1] < target * 2, "\(step)")
            }
        }

        @Test(arguments: [0.7, 0.9]) func noCallIsRefusedWithoutOverload(_ busy: Double) {
            let simulation = Simulation(seed: 5)
            var server = SimulatedServer()
            server.workers = 4
            server.work = .exponential(mean: .milliseconds(2))
            server.limit.concurrency = .adaptive
            server.limit.adaptive.targetDelay = .milliseconds(50)
            server.limit.adaptive.min = 10
            simulation.addServers(4, server)
            var client = SimulatedClient()
            client.load = .perSecond(simulation.capacity * busy / 4)
            simulation.addClients(4, client)
            #expect(simulation.run(for: .seconds(5)).during(.zero..<(.seconds(4))).successRate == 1)
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
            server.limit.adaptive.targetDelay = .milliseconds(50)
            server.limit.adaptive.min = 10
            server.speed = 0.25
            simulation.addServer("only", server)
            var client = SimulatedClient()
            client.load = .perSecond(300)
            client.deadline = .seconds(1)
            simulation.addClients(1, client)
            simulation.at(.seconds(5)) { $0.changeServer("only") { $0.speed = 1 } }
            let result = simulation.run(for: .seconds(12))
            #expect(result.during(.seconds(2)..<(.seconds(5))).goodput > 90)
            #expect(result.during(.seconds(8)..<(.seconds(12))).successRate > 0.98)
        }
    }
}
