public import ServiceKitConfig
private import Synchronization

/// Lanes: a header of a call chooses the instances that serve it, such as those of a branch under test.
///
/// An instance is in the lane that its label names; one without the label is in the base lane. A call goes to the lane that
/// its header names, and to the base lane if that lane has no node in service, in any zone. So a lane needs instances only of
/// the services that differ. A call without the header goes to the base lane. A header `x-md-global-…`, such as the default, travels on with
/// the calls that are made while serving, see ``MetadataPropagation``: a whole chain of calls stays in its lane.
final class LaneBalancer: Balancer {
    /// The nodes of more lanes get no calls: so that no registry makes a client too large.
    static let maximumLanes = 256

    private struct Lane {
        let balancer: any Balancer
        /// The number of its nodes. A lane without nodes is dropped.
        var count = 0
    }

    private struct State {
        var lanes: [String: Lane] = [:]
        /// The lane of each node that is in one, by the ids of their instances.
        var laneOfNode: [String: String] = [:]
    }

    private let base: any Balancer
    private let state = Mutex(State())
    private let label: String
    private let make: @Sendable () -> (any Balancer)?

    /// - Parameters:
    ///   - label: The label that names the lane of an instance.
    ///   - base: The balancer of the base lane.
    ///   - make: Makes the balancer of a lane; `nil` if it cannot be made.
    init(label: String, base: any Balancer, make: @escaping @Sendable () -> (any Balancer)?) {
        self.label = label
        self.base = base
        self.make = make
    }

    var keySource: PickKeySource { base.keySource }

    func makeStatistics() -> NodeStatistics { base.makeStatistics() }

    func update(_ change: NodeChange) {
        let updates = state.withLock { state in
            // The change of each lane; the base lane has no name.
            var changes: [String?: NodeChange] = [:]
            for node in change.removed {
                let lane = state.laneOfNode[node.instance.id]
                changes[lane, default: NodeChange()].removed.append(node)
                move(node, to: nil, &state)
            }
            for node in change.added {
                let lane = node.instance.metadata[label].flatMap { $0.isEmpty ? nil : $0 }
                let last = state.laneOfNode[node.instance.id]
                // A node that changes its lane leaves the one it was in.
                if last != lane { changes[last, default: NodeChange()].removed.append(node) }
                changes[lane, default: NodeChange()].added.append(node)
                move(node, to: lane, &state)
            }
            let updates = changes.map { lane, change in
                (lane.map { state.lanes[$0]?.balancer } ?? base, change)
            }
            state.lanes = state.lanes.filter { $1.count > 0 }
            return updates
        }
        for (balancer, change) in updates { balancer?.update(change) }
    }

    /// Notes the lane of a node, and makes the lane if it is new.
    private func move(_ node: Node, to lane: String?, _ state: inout State) {
        let last = state.laneOfNode[node.instance.id]
        if last == lane { return }
        state.laneOfNode[node.instance.id] = nil
        if let last { state.lanes[last]?.count -= 1 }
        guard let lane else { return }
        if state.lanes[lane] == nil, state.lanes.count < Self.maximumLanes, let balancer = make() {
            state.lanes[lane] = Lane(balancer: balancer)
        }
        guard state.lanes[lane] != nil else { return }
        state.lanes[lane]?.count += 1
        state.laneOfNode[node.instance.id] = lane
    }

    func pick(for request: PickRequest) -> Node? {
        if let name = request.lane, let lane = state.withLock({ $0.lanes[name]?.balancer }),
            let node = lane.pick(for: request)
        {
            return node
        }
        return request.keepsToLane ? nil : base.pick(for: request)
    }

    func ended(_ report: CallReport) {
        let lane = state.withLock { state in
            state.laneOfNode[report.node.instance.id].flatMap { state.lanes[$0]?.balancer }
        }
        (lane ?? base).ended(report)
    }
}

/// The section `client.lanes`.
public struct LaneOptions: ConfigurationSection, Hashable {
    /// Whether calls keep to lanes; false by default.
    public var enabled = false
    /// The header that names the lane of a call; `x-md-global-lane` by default, which travels on.
    public var header = "x-md-global-lane"
    /// The label that names the lane of an instance; `lane` by default.
    public var label = "lane"

    /// The defaults.
    public init() {}

    /// The meaning of each option.
    public static let help = [
        "enabled": "whether a header of a call chooses the instances that serve it",
        "header": "the header that names the lane of a call; one that begins with `x-md-global-` travels on",
        "label": "the label that names the lane of an instance; an instance without it is in the base lane",
    ]
}
