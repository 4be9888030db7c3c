internal import ServiceKit

extension SimulationScenario {
    /// The scenarios of `make simulate`.
    public static let all: [SimulationScenario] = [
        .steady, .slowNode, .failingNode, .erringNode, .hangingNode, .fewSlow, .antagonists(load: 0.75),
        .antagonists(load: 1.03),
        .antagonists(load: 1.25), .antagonists(load: 1.74), .equal, .restart, .zones, .refusing, .ejection, .outage,
        .stalls,
        .overload(), .spike,
    ]

    /// Servers that serve 100 calls per second and worker.
    private static func serving(_ change: (inout SimulatedServer) -> Void = { _ in }) -> SimulatedServer {
        var server = SimulatedServer()
        server.work = .exponential(mean: .milliseconds(10))
        server.workers = 4
        change(&server)
        return server
    }

    private static func calling(
        _ perSecond: Double, _ change: (inout SimulatedClient) -> Void = { _ in }
    )
        -> SimulatedClient
    {
        var client = SimulatedClient()
        client.load = .perSecond(perSecond)
        change(&client)
        return client
    }

    // MARK: - Servers in trouble

    /// Ten equal servers at 70 % of their capacity.
    public static let steady = SimulationScenario(
        "steady", "10 equal servers, 70 % busy",
        period: .seconds(1)..<(.seconds(7)), server: serving(), client: calling(700)
    ) { simulation, server, client in
        simulation.addServers(10, server)
        simulation.addClients(4, client)
    }

    /// One of ten servers becomes ten times slower.
    public static let slowNode = SimulationScenario(
        "slow-node", "server-3 of 10 is ten times slower from 2 s on; 50 % busy",
        watched: ["server-3"],
        period: .seconds(3)..<(.seconds(9)), server: serving(), client: calling(500)
    ) { simulation, server, client in
        simulation.addServers(10, server)
        simulation.addClients(4, client)
        simulation.at(.seconds(2)) { $0.changeServer("server-3") { $0.speed = 0.1 } }
    }

    /// One of ten servers fails all calls, at once, as it is not available.
    public static let failingNode = failing("failing-node", .unavailable, "as unavailable")

    /// One of ten servers fails all calls, at once, by a fault of its program.
    public static let erringNode = failing("erring-node", .internalError, "by a fault of its program")

    private static func failing(_ name: String, _ code: ServiceError.Code, _ cause: String) -> SimulationScenario {
        SimulationScenario(
            name, "server-3 of 10 fails every call at once, \(cause), from 2 s on; 50 % busy",
            watched: ["server-3"],
            period: .seconds(3)..<(.seconds(9)), server: serving(), client: calling(500)
        ) { simulation, server, client in
            simulation.addServers(10, server)
            simulation.addClients(4, client)
            simulation.at(.seconds(2)) { $0.changeServer("server-3") { $0.behavior = .fails(code) } }
        }
    }

    /// One of ten servers answers no call.
    public static let hangingNode = SimulationScenario(
        "hanging-node", "server-3 of 10 answers no call from 2 s on; 50 % busy, deadline 1 s",
        watched: ["server-3"],
        period: .seconds(3)..<(.seconds(9)), server: serving(), client: calling(500) { $0.deadline = .seconds(1) }
    ) { simulation, server, client in
        simulation.addServers(10, server)
        simulation.addClients(4, client)
        simulation.at(.seconds(2)) { $0.changeServer("server-3") { $0.behavior = .hangs } }
    }

    /// Two of sixteen servers are sixteen times slower.
    public static let fewSlow = SimulationScenario(
        "few-slow", "2 of 16 servers are 16 times slower; half as many calls as all serve",
        watched: ["server-0", "server-1"],
        period: .seconds(2)..<(.seconds(8)), server: serving(), client: calling(700)
    ) { simulation, server, client in
        simulation.addServers(16, server)
        for id in ["server-0", "server-1"] { simulation.changeServer(id) { $0.speed = 1.0 / 16 } }
        simulation.addClients(4, client)
    }

    /// The testbed of Prequal (Wydrowski et al., NSDI 2024), as far as the abstract and replications tell it: 100 clients and
    /// 100 servers, whose work varies by as much as its mean.
    ///
    /// Each server has a guaranteed share of its machine, speed 1, and may use what antagonists leave: on a fifth of the
    /// machines nothing, on the others from as much again to twice as much. The antagonists move all the time: each second
    /// some servers change their speed.
    ///
    /// - Parameters:
    ///   - load: The calls in proportion to what the guaranteed shares serve.
    ///   - end: When it ends; its period begins at 5 s.
    /// - Returns: The scenario.
    public static func antagonists(load: Double, until end: Duration = .seconds(25)) -> SimulationScenario {
        let server = serving { server in
            server.work = .normal(mean: .milliseconds(80), deviation: .milliseconds(80))
        }
        return SimulationScenario(
            "antagonists-\(load)",
            "100 servers that share machines with antagonists, 100 clients; \(load) × the guaranteed share",
            period: .seconds(5)..<end, server: server, client: calling(server.capacity * load)
        ) { simulation, server, client in
            var random = SplitMix64(seed: 7)
            func speed() -> Double { random.fraction() < 0.2 ? 1 : 2 + random.fraction() }
            for index in 0..<100 {
                var server = server
                server.speed = speed()
                simulation.addServer("server-\(index)", server)
            }
            for second in 0..<25 {
                for _ in 0..<10 {
                    let (index, speed) = (Int(random.next() % 100), speed())
                    simulation.at(.seconds(second)) { $0.changeServer("server-\(index)") { $0.speed = speed } }
                }
            }
            simulation.addClients(100, client)
        }
    }

    /// Four equal servers whose callers wait for their answers: a policy can win nothing, and must not lose.
    public static let equal = SimulationScenario(
        "equal", "4 equal servers, and callers that keep them busy",
        period: .seconds(1)..<(.seconds(7)), server: serving(),
        client: SimulatedClient.callers(8)
    ) { simulation, server, client in
        simulation.addServers(4, server)
        simulation.addClients(4, client)
    }

    // MARK: - Fleets that change

    /// All servers are replaced, one after the other.
    public static let restart = SimulationScenario(
        "restart", "10 servers are replaced one after the other, two each second; 60 % busy",
        period: .seconds(2)..<(.seconds(8)), server: serving(), client: calling(600)
    ) { simulation, server, client in
        simulation.addServers(10, server)
        simulation.addClients(4, client)
        for index in 0..<10 {
            simulation.at(.seconds(2) + .milliseconds(500) * index) { simulation in
                simulation.removeServer("server-\(index)")
                simulation.addServer("server-\(index + 10)", server)
            }
        }
    }

    /// Two zones, of which the clients' own loses half of its servers.
    public static let zones = SimulationScenario(
        "zones", "2 zones of 8 servers; 4 of the clients' own zone are unreachable from 2 s on; 30 % busy",
        watched: (8..<16).map { "server-\($0)" },
        period: .seconds(3)..<(.seconds(9)), server: serving(),
        client: calling(480) { client in
            client.zone = "a"
            client.zones.enabled = true
        }
    ) { simulation, server, client in
        for zone in ["a", "b"] {
            var server = server
            server.zone = zone
            simulation.addServers(8, server)
        }
        simulation.addClients(4, client)
        simulation.at(.seconds(2)) { simulation in
            for index in 0..<4 { simulation.changeServer("server-\(index)") { $0.behavior = .unreachable } }
        }
    }

    // MARK: - Failures

    /// One of ten servers fails half of its calls for ten seconds, and recovers.
    public static let ejection = SimulationScenario(
        "ejection", "server-3 of 10 fails 60 % of its calls from 2 s to 8 s; outlier ejection for 2 s and longer",
        watched: ["server-3"],
        period: .seconds(2)..<(.seconds(8)), server: serving(),
        client: calling(500) { client in
            client.outlierEjection.enabled = true
            client.outlierEjection.baseTime = .seconds(2)
            client.outlierEjection.interval = .seconds(1)
            client.outlierEjection.minRequests = 20
        }
    ) { simulation, server, client in
        simulation.addServers(10, server)
        simulation.addClients(4, client)
        simulation.at(.seconds(2)) { $0.changeServer("server-3") { $0.behavior = .fails(.unavailable, share: 0.6) } }
        simulation.at(.seconds(8)) { $0.changeServer("server-3") { $0.behavior = .serves } }
    }

    /// All servers fail.
    public static let outage = SimulationScenario(
        "outage", "all of 10 servers fail every call at once from 2 s to 8 s; up to 3 attempts of a call",
        policies: [.p2c, .roundRobin],
        period: .seconds(2)..<(.seconds(8)), server: serving(),
        client: calling(500) { client in
            client.attempts = 3
        }
    ) { simulation, server, client in
        simulation.addServers(10, server)
        simulation.addClients(4, client)
        simulation.at(.seconds(2)) { $0.changeServers { $0.behavior = .fails(.unavailable) } }
        simulation.at(.seconds(8)) { $0.changeServers { $0.behavior = .serves } }
    }

    /// One of ten servers refuses calls beyond a limit that is lower than that of the others. Its refusals come fast.
    public static let refusing = SimulationScenario(
        "refusing",
        "server-3 of 10 serves one call at a time and refuses the others; callers wait for their answers; up to 3 attempts of a call",
        watched: ["server-3"],
        period: .seconds(1)..<(.seconds(7)), server: serving(), client: SimulatedClient.callers(8, attempts: 3)
    ) { simulation, server, client in
        simulation.addServers(10, server)
        simulation.changeServer("server-3") { server in
            server.limit.concurrency = .fixed
            server.limit.fixed.max = 1
        }
        simulation.addClients(4, client)
    }

    /// One of ten servers stops now and then.
    public static let stalls = SimulationScenario(
        "stalls", "server-3 of 10 is 50 times slower for 200 ms of each second; 30 % busy, with and without hedging",
        policies: SimulationPolicy.hedging,
        watched: ["server-3"],
        period: .seconds(1)..<(.seconds(21)), server: serving(), client: calling(300)
    ) { simulation, server, client in
        simulation.addServers(10, server)
        simulation.addClients(4, client)
        simulation.every(.seconds(1)) { simulation in
            simulation.changeServer("server-3") { $0.speed = 0.02 }
            simulation.at(simulation.now + .milliseconds(200)) { $0.changeServer("server-3") { $0.speed = 1 } }
        }
    }

    // MARK: - Overload

    /// Five times as many calls as the servers serve. It is looked at late, since `bbr` waits for a mean of the processors'
    /// usage that takes half a minute to rise.
    ///
    /// - Parameter period: The time that figures are of.
    /// - Returns: The scenario.
    public static func overload(during period: Range<Duration> = .seconds(20)..<(.seconds(30))) -> SimulationScenario {
        SimulationScenario(
            "overload", "2 servers, 5 × the calls that they serve; a tenth critical, half sheddable; deadline 1 s",
            policies: SimulationPolicy.limits,
            period: period, server: serving(),
            client: calling(100) { client in
                client.priorities = [.critical: 0.1, .default: 0.4, .sheddable: 0.5]
                client.deadline = .seconds(1)
            }
        ) { simulation, server, client in
            simulation.addServers(2, server)
            simulation.addClients(4, client)
            simulation.at(.seconds(1)) { $0.setLoad(.perSecond($0.capacity * 5 / 4)) }
        }
    }

    /// A spike to 1.4 times what the servers serve (Breakwater, OSDI 2020).
    public static let spike = SimulationScenario(
        "spike", "4 servers, 1.4 × the calls that they serve from 2 s on, 0.7 × before; deadline 1 s",
        policies: SimulationPolicy.limits,
        period: .seconds(2)..<(.seconds(4)),
        server: serving { server in
            server.work = .exponential(mean: .milliseconds(2))
        },
        client: calling(0) { $0.deadline = .seconds(1) }
    ) { simulation, server, client in
        simulation.addServers(4, server)
        var client = client
        client.load = .perSecond(simulation.capacity * 0.7 / 8)
        simulation.addClients(8, client)
        simulation.at(.seconds(2)) { $0.setLoad(.perSecond($0.capacity * 1.4 / 8)) }
    }
}

extension SimulatedClient {
    /// A client with callers that wait for their answers.
    fileprivate static func callers(_ count: Int, attempts: Int = 1) -> SimulatedClient {
        var client = SimulatedClient()
        client.attempts = attempts
        client.load = .callers(count)
        return client
    }
}
