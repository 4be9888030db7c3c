internal import HeapModule

/// The nodes that policies have ejected, and the times at which they come back.
///
/// A node is named by its instance's id, which stays while its labels change. An ejection costs O(log n) in the number of
/// ejected nodes.
package struct Ejections: Sendable {
    private struct Record {
        /// When each policy's ejection ends; 0 for none.
        var ends: [UInt64]
        /// When the node is looked at next.
        var due = UInt64.max

        var end: UInt64 { ends.max() ?? 0 }
    }

    private struct Due: Comparable {
        let time: UInt64
        let node: String

        static func < (left: Due, right: Due) -> Bool { left.time < right.time }
    }

    private let policyCount: Int
    private var records: [String: Record] = [:]
    /// Has an entry for each record's `due`. Entries of a node that has left, or is due earlier now, are passed over.
    private var queue = Heap<Due>()

    /// - Parameter policyCount: How many policies there are.
    package init(policyCount: Int) {
        self.policyCount = policyCount
    }

    /// When ``takeDue(at:)`` has something to do next.
    package var nextDue: UInt64 { queue.min?.time ?? .max }

    /// When a node is put back; `nil` when it is not ejected.
    package func end(of node: Node, at now: UInt64) -> UInt64? {
        guard let end = records[node.instance.id]?.end, end > now else { return nil }
        return end
    }

    /// Sets the end of a policy's ejection of a node; the time now, or an earlier one, ends it.
    package mutating func set(_ end: UInt64, of node: Node, by policy: Int, at now: UInt64) {
        let id = node.instance.id
        // A node that is not ejected needs no record to be put back.
        if end <= now, records[id] == nil { return }
        var record = records[id] ?? Record(ends: Array(repeating: 0, count: policyCount))
        record.ends[policy] = end
        if end > now, end < record.due {
            record.due = end
            queue.insert(Due(time: end, node: id))
        }
        records[id] = record
    }

    /// Forgets a node that leaves.
    package mutating func remove(_ node: Node) {
        records[node.instance.id] = nil
    }

    /// Takes the nodes whose ejections have ended.
    ///
    /// - Returns: The ids of their instances.
    package mutating func takeDue(at now: UInt64) -> [String] {
        var ended: [String] = []
        while let first = queue.min, first.time <= now {
            queue.removeMin()
            guard var record = records[first.node], record.due == first.time else { continue }
            if record.end > now {
                record.due = record.end
                queue.insert(Due(time: record.due, node: first.node))
                records[first.node] = record
            } else {
                records[first.node] = nil
                ended.append(first.node)
            }
        }
        return ended
    }
}
