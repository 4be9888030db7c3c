import ServiceKit
import ServiceKitTesting
import Testing

extension SimulatedFleets {
    /// What balancers are held to, with wide bounds. `make simulate` prints the figures.
    @Suite struct BalancingSimulationTests {
        // MARK: - Published results

        /// P1: Prequal's testbed. Round robin saturates near 1.03 times the guaranteed share; `p2c` does not at 1.74 times.
        @Test func antagonistsDoNotSaturateAFleet() {
            let roundRobin = SimulationScenario.antagonists(load: 1.25, until: .seconds(11)).run(.roundRobin)
            #expect(roundRobin.during(.seconds(8)..<(.seconds(10))).latency(0.99) > .seconds(1.5))
            let ours = SimulationScenario.antagonists(load: 1.74, until: .seconds(9)).run(.p2c)
            #expect(ours.successRate == 1)
            #expect(ours.latency(0.999) < .seconds(2))
        }

        /// P3: two slow servers of sixteen.
        @Test func fewSlowServersHardlyCount() {
            let ours = SimulationScenario.fewSlow.run(.p2c)
            let roundRobin = SimulationScenario.fewSlow.run(.roundRobin)
            #expect(ours.latency(0.99) * 5 < roundRobin.latency(0.99))
        }

        /// P4: equal servers, which a policy can only make worse.
        @Test func equalServersLoseNothing() {
            let ours = SimulationScenario.equal.run(.p2c)
            let roundRobin = SimulationScenario.equal.run(.roundRobin)
            #expect(ours.goodput > roundRobin.goodput * 0.95)
            #expect(ours.latency(0.99) < roundRobin.latency(0.99) * 1.05)
        }

        // MARK: - Servers in trouble

        @Test func slowServerGetsFewCalls() {
            let result = SimulationScenario.slowNode.run(.p2c)
            #expect(result.share(of: "server-3") < 0.03)
            // But some: it may recover.
            #expect(result.share(of: "server-3") > 0)
            #expect(result.successRate == 1)
        }

        /// A fault of the program is answered as fast as a refusal.
        @Test(arguments: SimulationPolicy.balancers.map(\.name).filter { !Self.blind.contains($0) })
        func serverThatErrsFastAttractsNoCalls(_ name: String) throws {
            let policy = try #require(SimulationPolicy.balancers.first { $0.name == name })
            let result = SimulationScenario.erringNode.run(policy)
            #expect(result.share(of: "server-3") < 0.03)
        }

        /// The balancers that look at nothing but turns and weights.
        static let blind = ["round_robin", "weighted_round_robin", "random"]

        @Test func serverThatFailsFastAttractsNoCalls() {
            let result = SimulationScenario.failingNode.run(.p2c)
            #expect(result.share(of: "server-3") < 0.01)
            #expect(result.successRate > 0.99)
        }

        /// Balancers that count calls in flight: a server that fails at once has none.
        @Test(
            arguments: SimulationPolicy.balancers.map(\.name).filter { name in
                ["least_request", "prequal", "consistent_hash", "p2c +"].contains { name.hasPrefix($0) }
            })
        func serverThatFailsFastAttractsNoCallsByItsIdleness(_ name: String) throws {
            let policy = try #require(SimulationPolicy.balancers.first { $0.name == name })
            let result = SimulationScenario.failingNode.run(policy)
            #expect(result.share(of: "server-3") < 0.03)
        }

        /// Refusals come fast. They must not make a server look good.
        @Test(arguments: [1, 2, 3] as [UInt64]) func serverThatRefusesGetsHardlyMoreCallsThanItServes(_ seed: UInt64) {
            let result = SimulationScenario.refusing.run(.p2c, seed: seed)
            let attempts = result.attempts(on: "server-3")
            let refused = attempts.count { $0.code == .tooManyRequests }
            #expect(refused > 0)
            #expect(Double(refused) < 0.4 * Double(attempts.count - refused), "\(refused) of \(attempts.count)")
            // Another server serves them.
            #expect(result.successRate == 1)
        }

        @Test func hangingServerGetsFewCalls() {
            let result = SimulationScenario.hangingNode.run(.p2c)
            #expect(result.share(of: "server-3") < 0.01)
        }

        @Test func recoveredServerGetsItsShareAgain() {
            let simulation = Simulation(seed: 4)
            var server = SimulatedServer()
            server.workers = 4
            simulation.addServers(10, server)
            var client = SimulatedClient()
            client.load = .perSecond(500)
            simulation.addClients(4, client)
            simulation.at(.seconds(2)) { $0.changeServer("server-3") { $0.speed = 0.1 } }
            simulation.at(.seconds(6)) { $0.changeServer("server-3") { $0.speed = 1 } }
            let result = simulation.run(for: .seconds(14))
            #expect(result.during(.seconds(3)..<(.seconds(6))).share(of: "server-3") < 0.03)
            #expect(result.during(.seconds(12)..<(.seconds(14))).share(of: "server-3") > 0.07)
        }

        /// Round robin sees no failures: what keeps calls away is the ejection alone.
        @Test func failingServerIsEjectedAndComesBack() {
            let simulation = Simulation(seed: 2)
            var server = SimulatedServer()
            server.workers = 4
            simulation.addServers(10, server)
            var client = SimulatedClient()
            client.balancer = { RoundRobin(startingAt: Int($0 % 1000)) }
            client.load = .perSecond(300)
            client.outlierEjection.enabled = true
            client.outlierEjection.baseTime = .seconds(1)
            client.outlierEjection.maxTime = .seconds(3)
            client.outlierEjection.interval = .seconds(1)
            simulation.addClients(4, client)
            simulation.at(.seconds(2)) { $0.changeServer("server-3") { $0.behavior = .fails(.unavailable) } }
            simulation.at(.seconds(8)) { $0.changeServer("server-3") { $0.behavior = .serves } }
            let result = simulation.run(for: .seconds(16))
            // Five failures of each client, then five after each ejection: of 1 s, 2 s and 3 s.
            let ejected = result.during(.seconds(2)..<(.seconds(8)))
            #expect(ejected.share(of: "server-3") < 0.02)
            #expect(ejected.successRate > 0.98)
            #expect((4 * 5 * 2...4 * 5 * 5).contains(ejected.attempts(on: "server-3").count))
            #expect(abs(result.during(.seconds(12)..<(.seconds(16))).share(of: "server-3") - 0.1) < 0.01)
        }

        @Test(arguments: [10.0, 100, 500, 900]) func outageIsNotMultiplied(_ perSecond: Double) {
            let policy = SimulationPolicy("p2c") { client, _ in client.load = .perSecond(perSecond) }
            let result = SimulationScenario.outage.run(policy)
            // A call that began just before may be served.
            #expect(result.successRate < 0.001)
            #expect(result.attemptsPerCall > 1)
            // Two seconds after its start a client of few calls still has some of the retries of the start.
            #expect(result.attemptsPerCall <= (perSecond == 10 ? 1.2 : 1.1))
        }

        /// Each refused call could be made three times.
        @Test func refusalsOfAWholeFleetAreNotMultiplied() {
            let policy = SimulationPolicy("retries") { client, server in
                client.attempts = 3
                server.limit.concurrency = .adaptive
                server.limit.adaptive.targetDelay = .milliseconds(50)
                server.limit.adaptive.min = 10
            }
            let result = SimulationScenario.overload(during: .seconds(5)..<(.seconds(10))).run(policy)
            #expect((1.01...1.1).contains(result.attemptsPerCall), "\(result.attemptsPerCall)")
            #expect(result.successRate > 0.19)
        }

        /// One server refuses most of its calls, and another one dies: the calls that it had are made again all the same.
        @Test func refusalsLeaveTheRetriesOfFailedCalls() {
            let simulation = Simulation(seed: 5)
            var server = SimulatedServer()
            server.work = .constant(.milliseconds(100))
            server.workers = 1000
            simulation.addServers(3, server)
            simulation.changeServer("server-1") { server in
                server.limit.concurrency = .fixed
                server.limit.fixed.max = 1
            }
            var client = SimulatedClient()
            client.balancer = { _ in RoundRobin() }
            client.load = .perSecond(500)
            client.attempts = 3
            simulation.addClients(2, client)
            simulation.at(.seconds(3)) { $0.changeServer("server-2") { $0.behavior = .unreachable } }
            let result = simulation.run(for: .seconds(6)).during(.seconds(1)..<(.seconds(5)))
            #expect(result.attempts.count { $0.code == .unavailable } > 20)
            #expect(!result.calls.contains { $0.code == .unavailable })
            // More calls are refused than are made again.
            #expect(result.calls.count { $0.code == .tooManyRequests } > 100)
        }

        @Test func callsAreMadeAgainByTheRulesOfTheirMethods() {
            let simulation = Simulation(seed: 5)
            simulation.addServers(10, SimulatedServer())
            simulation.changeServer("server-3") { $0.behavior = .fails(.unavailable) }
            var client = SimulatedClient()
            client.balancer = { _ in RoundRobin() }
            var (read, once, write) = (
                SimulatedMethod("/a.B/Read"), SimulatedMethod("/a.B/Once"), SimulatedMethod("/a.B/Write")
            )
            (read.share, read.attempts) = (8, 3)
            (write.attempts, write.isIdempotent) = (3, false)
            once.attempts = 1
            client.methods = [read, once, write]
            simulation.addClients(4, client)
            let result = simulation.run(for: .seconds(10)).during(.seconds(1)..<(.seconds(9)))
            func calls(_ method: SimulatedMethod) -> [SimulationResult.Call] {
                result.calls.filter { $0.operation == method.operation }
            }
            #expect(abs(Double(calls(read).count) / Double(result.calls.count) - 0.8) < 0.03)
            #expect(calls(read).contains { $0.attempts == 2 && $0.code == nil })
            // The budget is a tenth of the calls that succeed, and so are the failures of reads.
            #expect(Double(calls(read).count { $0.code == nil }) > 0.98 * Double(calls(read).count))
            for method in [once, write] {
                #expect(calls(method).allSatisfy { $0.attempts == 1 })
                #expect(calls(method).contains { $0.code == .unavailable })
            }
        }

        /// The budget has room for the calls of a server that dies.
        @Test func serverThatDiesWithManyCallsInFlightFailsNone() {
            let simulation = Simulation(seed: 5)
            var server = SimulatedServer()
            server.work = .constant(.milliseconds(300))
            server.workers = 1000
            simulation.addServers(2, server)
            var client = SimulatedClient()
            client.load = .perSecond(500)
            client.attempts = 3
            simulation.addClients(2, client)
            simulation.at(.seconds(3)) { $0.changeServer("server-1") { $0.behavior = .unreachable } }
            let result = simulation.run(for: .seconds(6)).during(.seconds(1)..<(.seconds(5)))
            #expect(result.attempts.count { $0.code == .unavailable } > 100)
            #expect(result.successRate == 1)
        }

        @Test(arguments: [1, 2] as [UInt64]) func hedgingCutsTheTailWithinTheBudget(_ seed: UInt64) {
            let results = SimulationPolicy.hedging.map { SimulationScenario.stalls.run($0, seed: seed) }
            for (without, with) in [(results[0], results[1]), (results[2], results[3])] {
                #expect(with.latency(0.999) * 2 < without.latency(0.999))
                #expect((1.001...1.1).contains(with.attemptsPerCall))
                #expect(with.successRate == 1)
            }
        }

        /// Hedges stop where they are too many: in a fleet that is slow as a whole.
        @Test func hedgesOfASlowFleetAreHeldToATenth() {
            let policy = SimulationPolicy("hedging") { client, server in
                client.attempts = 2
                client.hedgingDelay = .milliseconds(1)
                server.work = .constant(.milliseconds(10))
            }
            let result = SimulationScenario.steady.run(policy)
            #expect((1.08...1.12).contains(result.attemptsPerCall))
            #expect(result.successRate == 1)
        }

        @Test func breakersHoldCallsBackInAnOutageAndLetThemThroughAfterIt() {
            func result(_ isEnabled: Bool) -> SimulationResult {
                let simulation = Simulation(seed: 3)
                var server = SimulatedServer()
                server.workers = 4
                simulation.addServers(4, server)
                var client = SimulatedClient()
                client.breaker.enabled = isEnabled
                client.load = .perSecond(250)
                simulation.addClients(2, client)
                simulation.at(.seconds(2)) { $0.changeServers { $0.behavior = .fails(.unavailable) } }
                simulation.at(.seconds(8)) { $0.changeServers { $0.behavior = .serves } }
                return simulation.run(for: .seconds(16))
            }
            let (with, without) = (result(true), result(false))
            let outage = Duration.seconds(5)..<(.seconds(8))
            let ratio =
                Double(with.during(outage).attempts.count) / Double(without.during(outage).attempts.count)
            #expect(ratio < 0.2)
            // Some calls get through all the while, to see whether the servers have recovered.
            #expect(ratio > 0)
            #expect(with.during(.seconds(13)..<(.seconds(16))).successRate > 0.99)
        }

        @Test func restartOfTheFleetLosesNoCall() {
            let result = SimulationScenario.restart.run(.p2c)
            #expect(result.successRate == 1)
            #expect(result.latency(0.99) < .milliseconds(100))
        }

        // MARK: - Before the pick

        @Test func zonesSpillInProportion() {
            // Half of the zone is healthy: 1.4 times that stays.
            let spilled = (8..<16).map { "server-\($0)" }
            let result = SimulationScenario.zones.run(.p2c)
            let share = spilled.reduce(0) { $0 + result.share(of: $1) }
            #expect(abs(share - 0.3) < 0.03)
            // The rest stays on the four servers that are left, in equal parts.
            for id in 4..<8 { #expect(abs(result.share(of: "server-\(id)") - 0.7 / 4) < 0.03) }
        }

        @Test func subsetsAreEven() {
            let simulation = Simulation()
            simulation.addServers(300)
            var client = SimulatedClient()
            client.subset = 25
            client.load = .perSecond(0)
            simulation.addClients(1000, client)
            func connectionsPerServer() -> [Int] {
                simulation.connections.joined().reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }.values
                    .sorted()
            }
            let counts = connectionsPerServer()
            #expect(counts.count == 300)
            #expect(counts.reduce(0, +) == 25_000)
            #expect(counts[299] - counts[0] <= 1)
            simulation.removeServer("server-7")
            let after = connectionsPerServer()
            #expect(after.count == 299)
            #expect(after[298] - after[0] <= 1)
        }

        @Test func joiningServerTakesItsShareOfTheKeys() {
            let simulation = Simulation(seed: 6)
            var server = SimulatedServer()
            server.work = .constant(.microseconds(100))
            simulation.addServers(10, server)
            var client = SimulatedClient()
            var options = ConsistentHash.Options()
            options.loadFactor = nil
            client.balancer = { [options] in ConsistentHash(options: options, seed: $0) }
            client.load = .perSecond(10_000)
            client.keys = 2000
            simulation.addClients(1, client)
            simulation.at(.seconds(1)) { $0.addServer("server-10", server) }
            let result = simulation.run(for: .seconds(2))
            func homes(_ period: Range<Duration>) -> [Int: Set<Int>] {
                result.during(period).attempts.reduce(into: [:]) { homes, attempt in
                    if let key = attempt.key { homes[key, default: []].insert(attempt.server) }
                }
            }
            let (before, after) = (homes(.zero..<(.seconds(1))), homes(.seconds(1)..<(.seconds(2))))
            // Each key has one server.
            #expect(before.values.allSatisfy { $0.count == 1 })
            #expect(after.values.allSatisfy { $0.count == 1 })
            let seen = before.keys.filter { after[$0] != nil }
            let moved = seen.filter { before[$0] != after[$0] }
            #expect(seen.count > 1900)
            #expect(!moved.isEmpty)
            #expect(Double(moved.count) / Double(seen.count) <= 1.1 / 11)
            #expect(moved.allSatisfy { after[$0] == [10] })
        }
    }
}
