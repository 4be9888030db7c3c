import ServiceKit
import Synchronization

/// Picks the first instance by id that is not to be avoided, and records the picks.
final class OrderedBalancer: Balancer {
    private let nodes = Mutex(NodeList())
    /// The nodes after the latest update, by their ids.
    let current = Watched<[Node]>([])
    /// The ids picked, in order.
    let picks = Watched<[String]>([])
    let reports = Watched<[CallReport]>([])
    /// Calls that have begun and not ended.
    let inFlight = Watched(0)

    func update(_ change: NodeChange) {
        let nodes = nodes.withLock { nodes in
            nodes.apply(change)
            return nodes
        }
        current.set(nodes.sorted { $0.instance.id < $1.instance.id })
    }

    func pick(for request: PickRequest) -> Node? {
        let nodes = current.value
        guard let node = nodes.first(where: { !request.avoids($0) }) ?? nodes.first else { return nil }
        picks.update { $0.append(node.instance.id) }
        inFlight.update { $0 += 1 }
        return node
    }

    func ended(_ report: CallReport) {
        reports.update { $0.append(report) }
        inFlight.update { $0 -= 1 }
    }

    /// Waits until these instances, and no others, are ready.
    func waitForNodes(_ ids: String...) async {
        _ = await current.first { $0.map(\.instance.id) == ids }
    }
}
