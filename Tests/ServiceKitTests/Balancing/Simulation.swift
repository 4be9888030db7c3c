import Synchronization

@testable import ServiceKit

func node(_ id: String, weight: Int? = nil, statistics: NodeStatistics = NodeStatistics()) -> Node {
    let endpoint = Endpoint(scheme: "grpc", host: "10.0.0.1", port: 9000)
    let metadata = weight.map { ["weight": "\($0)"] } ?? [:]
    let instance = ServiceInstance(id: id, name: "user", metadata: metadata, endpoints: [endpoint])
    return Node(instance: instance, endpoint: endpoint, statistics: statistics)
}

let request = PickRequest(path: "/user.v1.UserService/GetUser")

/// A balancer in simulated time.
final class Simulation: Sendable {
    let balancer: PowerOfTwoChoices
    private let time: Time

    final class Time: Sendable {
        let nanoseconds = Atomic<UInt64>(1)
    }

    init(_ nodes: [Node], seed: UInt64 = 1) {
        let time = Time()
        self.time = time
        balancer = PowerOfTwoChoices(random: SplitMix64(seed: seed)) { time.nanoseconds.load(ordering: .relaxed) }
        balancer.update(nodes)
    }

    func pass(_ duration: Duration) {
        time.nanoseconds.add(UInt64(duration / .nanoseconds(1)), ordering: .relaxed)
    }

    /// Makes calls one after the other.
    ///
    /// - Parameters:
    ///   - pause: The time between a call's end and the next one's begin.
    ///   - serve: How long a node takes, and how the call ends.
    /// - Returns: How often each node was called, by its id.
    func call(
        _ count: Int,
        pause: Duration = .zero,
        _ serve: (Node) -> (Duration, CallOutcome) = { _ in (.milliseconds(1), .success) }
    ) -> [String: Int] {
        var calls: [String: Int] = [:]
        for _ in 0..<count {
            guard let pick = balancer.pick(for: request) else { continue }
            calls[pick.node.instance.id, default: 0] += 1
            let (duration, outcome) = serve(pick.node)
            pass(duration)
            balancer.ended(pick, with: outcome)
            pass(pause)
        }
        return calls
    }
}
