import Synchronization

@testable import ServiceKit

func node(_ id: String, weight: Int? = nil, statistics: NodeStatistics = NodeStatistics()) -> Node {
    let endpoint = Endpoint(scheme: "grpc", host: "10.0.0.1", port: 9000)
    let metadata = weight.map { ["weight": "\($0)"] } ?? [:]
    let instance = ServiceInstance(id: id, name: "user", metadata: metadata, endpoints: [endpoint])
    return Node(instance: instance, endpoint: endpoint, statistics: statistics)
}

let request = PickRequest(operation: "/user.v1.UserService/GetUser")

extension Balancer {
    /// Adds nodes.
    func add(_ nodes: [Node]) {
        update(NodeChange(added: nodes))
    }

    /// Removes nodes.
    func remove(_ nodes: [Node]) {
        update(NodeChange(removed: nodes))
    }
}

/// Calls that a balancer picks nodes for, in simulated time.
final class SimulatedCalls: Sendable {
    let balancer: PowerOfTwoChoices
    private let time = Atomic<UInt64>(1)

    init(_ nodes: [Node], _ options: PowerOfTwoChoices.Options = .init(), seed: UInt64 = 1) {
        balancer = PowerOfTwoChoices(options: options, seed: seed)
        balancer.add(nodes)
    }

    /// A call that has begun.
    struct Call {
        let node: Node
        let inFlight: NodeStatistics.InFlight
    }

    private var now: UInt64 { time.load(ordering: .relaxed) }

    func pass(_ duration: Duration) {
        time.add(UInt64(duration / .nanoseconds(1)), ordering: .relaxed)
    }

    /// Begins a call.
    func begin(avoid: [String] = []) -> Call? {
        let request = PickRequest(operation: "/", avoid: avoid, now: now)
        return balancer.pick(for: request).map { Call(node: $0, inFlight: $0.statistics.begin(at: request.now)) }
    }

    /// Ends a call.
    func end(_ call: Call, with outcome: CallOutcome) {
        call.node.statistics.end(call.inFlight, at: now, with: outcome)
    }

    /// Makes calls one after the other.
    /// - Parameters:
    ///   - pause: The time between the end of a call and the begin of the next.
    ///   - serve: The time that a node takes, and the outcome of the call.
    /// - Returns: How often each node was called, by its id.
    func call(
        _ count: Int,
        pause: Duration = .zero,
        _ serve: (Node) -> (Duration, CallOutcome) = { _ in (.milliseconds(1), .success) }
    ) -> [String: Int] {
        var calls: [String: Int] = [:]
        for _ in 0..<count {
            guard let call = begin() else { continue }
            calls[call.node.instance.id, default: 0] += 1
            let (duration, outcome) = serve(call.node)
            pass(duration)
            end(call, with: outcome)
            pass(pause)
        }
        return calls
    }
}
