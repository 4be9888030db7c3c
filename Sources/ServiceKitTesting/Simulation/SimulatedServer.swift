public import ServiceKit

/// A server of a ``Simulation``: a queue, some workers, and what is wrong with it.
public struct SimulatedServer: Sendable {
    /// The fate of calls.
    public enum Behavior: Hashable, Sendable {
        /// They are served.
        case serves
        /// A part of them, from 0 to 1, fails at once and costs no work; the others are served.
        case fails(ServiceError.Code, share: Double = 1)
        /// They are taken, and never answered.
        case hangs
        /// The server cannot be reached. Calls that it had fail with `unavailable`.
        case unreachable
    }

    /// The work of a call, which is the time that it keeps a worker busy at speed 1; exponential around 10 ms by default.
    public var work = LatencyDistribution.exponential(mean: .milliseconds(10))
    /// How many calls are worked on at a time; 8 by default.
    public var workers = 8
    /// How many calls wait at most; 10,000 by default. More are refused with 429.
    public var queue = 10_000
    /// How fast the workers are; 1 by default. An antagonist, another program on the same machine, makes it smaller.
    public var speed = 1.0
    /// The fate of calls; they are served by default.
    public var behavior = Behavior.serves
    /// The weight that it registers with; 100 by default.
    public var weight = 100
    /// The zone that it registers with; none by default.
    public var zone: String?
    /// The calls that it refuses under overload; none by default, unlike real servers, whose ``/ServiceKit/ConcurrencyLimit`` it has.
    public var limit: ConcurrencyLimit.Options = {
        var options = ConcurrencyLimit.Options()
        options.concurrency = .none
        return options
    }()
    /// The work to refuse a call; 20 µs by default. All workers share it.
    public var refusalWork = Duration.microseconds(20)
    /// Whether answers have a ``/ServiceKit/LoadReport``; false by default.
    public var reportsLoad = false

    /// A server with the defaults.
    public init() {}

    /// How many calls per second it serves at most.
    public var capacity: Double {
        Double(workers) * speed / (max(work.mean, .nanoseconds(1)) / .seconds(1))
    }

    /// The instance that it registers.
    func instance(_ id: String) -> ServiceInstance {
        var metadata = ["weight": "\(weight)"]
        metadata["zone"] = zone
        let endpoint = Endpoint(scheme: "grpc", host: "\(id).test", port: 9000)
        return ServiceInstance(id: id, name: "simulated", metadata: metadata, endpoints: [endpoint])
    }
}
