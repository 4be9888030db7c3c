internal import ServiceKit
internal import ServiceKitConcurrency

/// A call of a simulated client.
final class SimulatedCall {
    let client: ClientModel
    let begin: UInt64
    let priority: CallPriority
    let key: Int?
    let method: SimulatedMethod
    /// Draws the work, among others: the same for every policy.
    var random: SplitMix64
    var attempts = 0
    /// The ids of the servers that failed it.
    var avoid: [String] = []
    var backoff = Backoff(base: .milliseconds(20), maximum: .seconds(1))
    /// The attempts in flight: with hedging there may be several.
    var inFlight: [SimulatedAttempt] = []
    var hasEnded = false

    init(
        client: ClientModel, begin: UInt64, priority: CallPriority, key: Int?, method: SimulatedMethod,
        random: SplitMix64
    ) {
        self.client = client
        self.begin = begin
        self.priority = priority
        self.key = key
        self.method = method
        self.random = random
    }
}

/// An attempt of a call: what the client and the server know of it.
final class SimulatedAttempt {
    /// Where it is on the server.
    enum State {
        case underway, waiting, working, done
    }

    let call: SimulatedCall
    let server: ServerModel
    let node: Node
    let balancer: any Balancer
    let inFlight: NodeStatistics.InFlight
    /// The breaker of the method; `nil` if breakers are off.
    let breaker: CircuitBreakers.Method?
    var random: SplitMix64

    // On the server.
    var state = State.underway
    var arrival: UInt64 = 0
    var queueDelay: UInt64?
    /// The call in the server's middleware.
    var served: Call?
    var load: ServedLoadState.Begun?
    /// The time that it keeps a worker.
    var workTime: UInt64 = 0

    /// Whether a limit of the server has refused it.
    var isRefused = false

    /// Whether the client waits for it.
    var isAwaited = true

    init(
        call: SimulatedCall, server: ServerModel, node: Node, balancer: any Balancer,
        inFlight: NodeStatistics.InFlight, breaker: CircuitBreakers.Method?, random: SplitMix64
    ) {
        self.call = call
        self.server = server
        self.node = node
        self.balancer = balancer
        self.inFlight = inFlight
        self.breaker = breaker
        self.random = random
    }
}
