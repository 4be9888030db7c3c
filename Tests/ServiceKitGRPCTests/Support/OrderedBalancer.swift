import ServiceKit
import Synchronization

/// Picks the first instance by id that is not to be avoided, and keeps count.
final class OrderedBalancer: Balancer {
    private let nodes = Mutex<[Node]>([])
    /// The nodes of the latest update.
    let current = Watched<[Node]>([])
    /// The ids picked, in order.
    let picks = Watched<[String]>([])
    let outcomes = Watched<[CallOutcome]>([])
    /// Calls that have begun and not ended.
    let inFlight = Watched(0)

    func update(_ nodes: [Node]) {
        let sorted = nodes.sorted { $0.instance.id < $1.instance.id }
        self.nodes.withLock { $0 = sorted }
        current.set(sorted)
    }

    func pick(for request: PickRequest) -> Pick? {
        let nodes = nodes.withLock(\.self)
        guard let node = nodes.first(where: { !request.avoids($0) }) ?? nodes.first else { return nil }
        picks.update { $0.append(node.instance.id) }
        inFlight.update { $0 += 1 }
        return Pick(node: node)
    }

    func ended(_ pick: Pick, with outcome: CallOutcome) {
        outcomes.update { $0.append(outcome) }
        inFlight.update { $0 -= 1 }
    }

    /// Waits until these instances, and no others, are ready.
    func waitForNodes(_ ids: String...) async {
        _ = await current.first { $0.map(\.instance.id) == ids }
    }
}
