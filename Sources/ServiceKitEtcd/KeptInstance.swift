internal import DequeModule
internal import EtcdClient
internal import ServiceKit

/// An instance that is kept in etcd: what it is to be, and what is known of its key.
struct KeptInstance: Sendable {
    /// What the key holds.
    struct Known: Sendable {
        var revision: Revision
        var lease: LeaseID
        var instance: ServiceInstance
    }

    /// What was written, or is about to be.
    struct Written: Sendable {
        let value: [UInt8]
        let instance: ServiceInstance
    }

    /// What is to be said of what a key holds.
    enum Verdict: Hashable, Sendable {
        /// This process has written it, or it is known already.
        case own
        /// An operator has changed labels, which are adopted.
        case adopted
        /// It is neither: the key is to be written again.
        case refused
    }

    /// What it is to be, with what operators have said.
    var instance: OwnedInstance
    /// What the key holds, as far as is known; nothing before it was first written.
    var known: Known?
    /// The leases that may hold the key: whatever lives by one of them is this process's.
    var leases: [LeaseID]
    /// What is being written, or may have been when no answer came: watching the key, one may see it come by.
    private var written = Deque<Written>()

    /// How many leases are remembered that may hold the key.
    static let maxLeases = 16
    /// How many values are remembered that may have been written.
    static let maxWritten = 16

    init(_ instance: ServiceInstance, leases: [LeaseID] = []) {
        self.instance = OwnedInstance(instance)
        self.leases = leases
    }

    /// Takes note of a lease that the key may live by.
    mutating func remember(_ lease: LeaseID) {
        leases.append(lease)
        if leases.count > Self.maxLeases { leases.removeFirst() }
    }

    /// Takes note of what is about to be written.
    mutating func remember(_ next: Written) {
        guard written.last?.value != next.value else { return }
        written.append(next)
        if written.count > Self.maxWritten { written.removeFirst() }
    }

    /// Takes note that etcd has answered: what it has written is known by its revision from now on, so that an operator may
    /// write the same again.
    mutating func settle(_ value: [UInt8]) {
        if let index = written.firstIndex(where: { $0.value == value }) { written.remove(at: index) }
    }

    /// Takes note of what the key holds, unless a later word of it came first.
    mutating func know(_ next: Known) {
        if let known, known.revision > next.revision { return }
        known = next
    }

    /// Looks at what the key holds. If an operator has changed labels, that is adopted.
    ///
    /// - Parameters:
    ///   - value: The key's value.
    ///   - found: The same, read.
    mutating func accept(_ value: [UInt8], _ found: Known) -> Verdict {
        // Nobody has seen the instance yet that is being registered: what is there is an earlier attempt.
        guard let known, leases.contains(found.lease) else { return .refused }
        if found.revision <= known.revision { return .own }
        let isOwn = written.contains { $0.value == value }
        if !isOwn {
            // What the operator saw may be an update that is under way.
            let bases = [known.instance] + written.reversed().map(\.instance)
            guard let base = bases.first(where: { Self.differOnlyInLabels($0, found.instance) }) else {
                return .refused
            }
            instance.adopt(metadata: found.instance.metadata, insteadOf: base.metadata)
        }
        self.known = found
        return isOwn ? .own : .adopted
    }

    private static func differOnlyInLabels(_ one: ServiceInstance, _ other: ServiceInstance) -> Bool {
        var one = one
        one.metadata = other.metadata
        return one == other
    }
}
