import ServiceKit
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

extension SimulatedFleets {
    /// The simulator itself: against the theory of queues, and against itself.
    @Suite struct SimulationTests {
        /// One worker, random arrivals, exponential work: the mean time in an M/M/1 queue is `1 / (μ - λ)`.
        @Test func queueIsAsLongAsTheTheorySays() {
            let simulation = Simulation(seed: 3)
            simulation.networkDelay = .constant(.zero)
            var server = SimulatedServer()
            server.workers = 1
            simulation.addServer("only", server)
            var client = SimulatedClient()
            client.load = .perSecond(70)
            client.deadline = .seconds(60)
            simulation.addClients(1, client)
            let result = simulation.run(for: .seconds(400)).during(.seconds(10)..<(.seconds(390)))
            let mean = result.calls.map { $0.latency / .milliseconds(1) }.reduce(0, +) / Double(result.calls.count)
            #expect(abs(result.goodput - 70) < 3)
            #expect(abs(mean - 1000 / (100 - 70)) < 4, "\(mean)")
            // The time is exponential too: half of the calls take less than ln 2 of the mean.
            #expect(abs(result.latency(0.5) / .milliseconds(1) - 33.3 * 0.693) < 3)
        }

        @Test(arguments: [
            (LatencyDistribution.constant(.milliseconds(10)), 10.0),
            (.uniform(.milliseconds(5), .milliseconds(25)), 15),
            (.exponential(mean: .milliseconds(10)), 10),
            // Half a bell above 0: σ · φ(1) + µ · Φ(1).
            (.normal(mean: .milliseconds(10), deviation: .milliseconds(10)), 10.83),
            (.logNormal(median: .milliseconds(10), sigma: 0.5), 11.33),
        ])
        func workHasItsMean(_ work: LatencyDistribution, _ mean: Double) {
            #expect(abs(work.mean / .milliseconds(1) - mean) < 0.01)
            let simulation = Simulation(seed: 5)
            simulation.networkDelay = .constant(.zero)
            var server = SimulatedServer()
            server.work = work
            server.workers = 1000
            simulation.addServer("only", server)
            var client = SimulatedClient()
            client.load = .perSecond(1000)
            simulation.addClients(1, client)
            let result = simulation.run(for: .seconds(10))
            let measured = result.calls.map { $0.latency / .milliseconds(1) }.reduce(0, +) / Double(result.calls.count)
            #expect(abs(measured / mean - 1) < 0.05, "\(measured)")
        }

        /// A fleet with everything in it.
        private static func busyFleet(seed: UInt64) -> SimulationResult {
            let simulation = Simulation(seed: seed)
            simulation.networkDelay = .exponential(mean: .microseconds(300))
            var server = SimulatedServer()
            server.workers = 2
            server.reportsLoad = true
            server.limit.concurrency = .adaptive
            server.limit.adaptive.targetDelay = .milliseconds(50)
            server.limit.adaptive.min = 10
            for zone in ["a", "b"] {
                server.zone = zone
                simulation.addServers(6, server)
            }
            var client = SimulatedClient()
            client.load = .perSecond(200)
            client.attempts = 3
            client.deadline = .milliseconds(200)
            client.subset = 8
            client.zone = "a"
            client.zones.enabled = true
            client.slowStart.window = .seconds(1)
            client.outlierEjection.enabled = true
            client.outlierEjection.interval = .milliseconds(500)
            client.outlierEjection.baseTime = .milliseconds(500)
            client.priorities = [.critical: 1, .default: 1, .sheddable: 1]
            simulation.addClients(5, client)
            simulation.at(.seconds(1)) {
                $0.changeServer("server-2") { $0.behavior = .fails(.unavailable, share: 0.5) }
            }
            simulation.at(.seconds(1)) { $0.removeServer("server-4") }
            simulation.at(.seconds(2)) { $0.addServer("server-new", server) }
            simulation.at(.seconds(2)) { $0.changeServer("server-8") { $0.behavior = .unreachable } }
            simulation.at(.seconds(2)) { $0.setLoad(.perSecond(400)) }
            return simulation.run(for: .seconds(3))
        }

        @Test func sameSeedGivesTheSameResult() {
            let first = Self.busyFleet(seed: 1)
            #expect(first.calls.count > 2000)
            // Each part of the fleet had its effect.
            #expect(Set(first.calls.compactMap(\.code)).isSuperset(of: [.tooManyRequests]))
            #expect(first.attemptsPerCall > 1)
            #expect(Self.busyFleet(seed: 1) == first)
            #expect(Self.busyFleet(seed: 2) != first)
        }

        /// The seeds of dictionaries differ from process to process; the tables must not.
        @Test func tablesAreThoseOfEveryProcess() async throws {
            let path = RunningProgram.path(ofProduct: "servicekit-simulate")
            let arguments = ["--only", "ejection", "--only", "p2c + reports"]
            let first = try await RunningProgram(path, arguments).result()
            let second = try await RunningProgram(path, arguments).result()
            #expect(first.exit == .exited(0))
            #expect(first.output.contains("p2c + reports"))
            #expect(first.output == second.output)
        }

        @Test func wrongNamesAreRefused() async throws {
            let path = RunningProgram.path(ofProduct: "servicekit-simulate")
            let result = try await RunningProgram(path, ["--only", "outage", "--only", "nothing"]).result()
            #expect(result.exit == .exited(64))
            #expect(result.errors.contains("servicekit-simulate --list"))
        }

        @Test func callsEndAtTheirDeadlines() {
            let simulation = Simulation()
            var server = SimulatedServer()
            server.behavior = .hangs
            simulation.addServers(2, server)
            var client = SimulatedClient()
            client.deadline = .milliseconds(50)
            simulation.addClients(2, client)
            let result = simulation.run(for: .seconds(1))
            #expect(result.calls.count > 150)
            #expect(result.calls.allSatisfy { $0.latency == .milliseconds(50) && $0.code == .deadlineExceeded })
        }

        @Test func serversThatLeaveGetNoMoreCalls() {
            let simulation = Simulation()
            simulation.addServers(3)
            simulation.addClients(2)
            simulation.at(.seconds(1)) { $0.removeServer("server-1") }
            simulation.at(.seconds(2)) { $0.changeServer("server-2") { $0.behavior = .unreachable } }
            simulation.at(.seconds(3)) { $0.changeServer("server-2") { $0.behavior = .serves } }
            let result = simulation.run(for: .seconds(4))
            #expect(result.attempts(on: "server-1").allSatisfy { $0.begin < .seconds(1) })
            let second = result.attempts(on: "server-2")
            #expect(second.contains { $0.begin > .seconds(3) })
            #expect(second.allSatisfy { $0.begin < .seconds(2) || $0.begin >= .seconds(3) })
        }

        @Test func tableHasARowForEachPolicy() {
            let scenario = SimulationScenario(
                "short", "a short one", watched: ["server-0"], period: .zero..<(.seconds(1))
            ) { simulation, server, client in
                simulation.addServers(2, server)
                simulation.addClients(1, client)
            }
            let lines = SimulationTable(scenario, policies: [.p2c, .roundRobin]).description.split(separator: "\n")
            #expect(lines.count == 4)
            #expect(lines[0] == "short: a short one")
            #expect(Set(lines.dropFirst().map(\.count)).count == 1)
            #expect(lines[3].hasPrefix("round_robin "))
        }
    }
}
