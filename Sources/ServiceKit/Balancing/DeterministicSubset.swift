public import ServiceKitConfig

/// A client's place among the clients of its kind.
package struct SubsetPosition: Hashable, Sendable {
    /// The client's number, from 0.
    package let index: Int
    /// The number of clients.
    package let count: Int

    package init(index: Int, count: Int) {
        self.index = index
        self.count = count
    }

    /// The place of an instance among those of its service, in the order of their ids. An instance that is not registered
    /// yet has the place that it will have.
    ///
    /// - Parameters:
    ///   - id: The id of the instance.
    ///   - peers: The instances of its service.
    ///   - zone: The zone whose instances alone count; `nil` for all.
    package init(of id: String, among peers: InstanceSet, inZone zone: String? = nil) {
        var others = 0
        var before = 0
        for peer in peers where peer.id != id && (zone == nil || peer.zone == zone) {
            others += 1
            if peer.id < id { before += 1 }
        }
        self.init(index: before, count: others + 1)
    }
}

/// Some instances of a large service, other ones for each client: so that not every client connects to every instance.
///
/// The instances stand on a ring in the order of their ids' hashes. The clients begin at equal distances, and each takes the
/// next instances of the ring. So two instances have the same number of clients, or one has one more. When an instance
/// joins or leaves, a client changes two instances at most; when a client does, its peers move on by a part of the distance.
/// Each instance has a client in any case: few clients take more instances than the size says. This is the deterministic
/// aperture of Finagle, with whole instances; Google's deterministic subsetting ("Site Reliability Engineering", chapter 20)
/// shuffles all instances when one joins.
public struct DeterministicSubset: Subset {
    /// The section `client.subset`.
    public struct Options: ConfigurationSection, Hashable {
        /// How many instances a client connects to; 25 by default. `nil` for all.
        ///
        /// It is for a client in an App that registers: its peers are the instances of its own service. Other clients
        /// connect to all instances, and so does a client whose balancer goes by a key, such as `consistent_hash`: else each
        /// client would have another node for it. With `client.zones`, it holds for the own zone and for all others; instances
        /// of a lane do not count.
        public var size: Int? = 25

        /// The defaults.
        public init() {}

        /// The ranges of the section's values.
        public static let ranges: [OptionRange<Options>] = [OptionRange("size", \.size, 1...100_000)]

        /// The meaning of each option.
        public static let help = [
            "size":
                "how many instances of a service a client connects to, if it is itself in a registered service; `null` for all"
        ]
    }

    private struct Entry: Comparable {
        let hash: UInt64
        let id: String

        init(_ id: String) {
            hash = KeyHash.hash(id)
            self.id = id
        }

        static func < (left: Entry, right: Entry) -> Bool { (left.hash, left.id) < (right.hash, right.id) }
    }

    /// More instances at once are sorted.
    private static let mostInsertions = 16

    private let size: Int
    private let position: SubsetPosition
    private let coversAll: Bool
    /// The instances' ids in the order of the ring.
    private var ring: [Entry] = []
    /// The instances by their ids.
    private var instances: [String: ServiceInstance] = [:]
    /// The ids of the subset.
    private var selected: Set<String> = []

    /// - Parameters:
    ///   - size: The number of instances.
    ///   - position: The client's place.
    ///   - coversAll: Whether few clients take more instances, so that each instance has a client.
    package init(size: Int, position: SubsetPosition, coversAll: Bool = true) {
        self.size = size
        self.position = position
        self.coversAll = coversAll
    }

    /// Takes a change of the instances, and changes the subset as little as it can.
    public mutating func update(_ change: InstanceChange) -> InstanceChange {
        var passed = InstanceChange()
        for instance in change.removed where instances.removeValue(forKey: instance.id) != nil {
            ring.remove(at: place(of: Entry(instance.id)))
            if selected.remove(instance.id) != nil { passed.removed.append(instance) }
        }
        var changed: Set<String> = []
        for instance in change.added {
            changed.insert(instance.id)
            guard instances.updateValue(instance, forKey: instance.id) == nil else { continue }
            let entry = Entry(instance.id)
            if change.added.count > Self.mostInsertions {
                ring.append(entry)
            } else {
                ring.insert(entry, at: place(of: entry))
            }
        }
        if change.added.count > Self.mostInsertions { ring.sort() }
        let ids = window
        passed.added = ids.filter { !selected.contains($0) || changed.contains($0) }.compactMap { instances[$0] }
        let next = Set(ids)
        passed.removed += selected.subtracting(next).sorted().compactMap { instances[$0] }
        selected = next
        return passed
    }

    /// The first place whose entry is not before an entry.
    private func place(of entry: Entry) -> Int {
        var (low, high) = (0, ring.count)
        while low < high {
            let middle = (low + high) / 2
            if ring[middle] < entry { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The ids of this client's instances.
    private var window: [String] {
        let count = ring.count
        if count == 0 { return [] }
        let share = coversAll ? (count + position.count - 1) / position.count : 0
        let width = min(count, max(size, share))
        let start = position.index * count / position.count
        return (start..<start + width).map { ring[$0 % count].id }
    }
}
