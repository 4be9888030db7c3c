import HashTreeCollections

/// Elements by id in a persistent map, of which ``InstanceSet`` is made.
///
/// The structure is a compressed hash-array mapped prefix tree (Steindorfer and Vinju, "Optimizing Hash-Array Mapped
/// Tries for Fast and Lean Immutable JVM Collections", OOPSLA 2015), from swift-collections.
struct PersistentMap<Element: Hashable & Identifiable & Sendable>: Sendable where Element.ID: Sendable {
    /// For look-ups by id.
    private(set) var byID: TreeDictionary<Element.ID, Element> = [:]
    /// The same elements, for differences: its set algebra skips the subtrees that two versions share.
    private var members: TreeSet<Member> = []

    /// Hashed by id and compared as a whole, so that a changed element stays in its place of the tree and still counts
    /// as a difference.
    private struct Member: Hashable {
        let element: Element

        func hash(into hasher: inout Hasher) {
            hasher.combine(element.id)
        }
    }

    struct Changes {
        var added: [Element] = []
        var updated: [Element] = []
        var removed: [Element] = []
    }

    /// Adds an element or replaces the one with its id, which is returned.
    mutating func update(_ element: Element) -> Element? {
        let old = byID[element.id]
        if old == element { return old }
        if let old { members.remove(Member(element: old)) }
        members.insert(Member(element: element))
        byID[element.id] = element
        return old
    }

    /// Removes the element with an id, which is returned.
    mutating func remove(id: Element.ID) -> Element? {
        guard let old = byID.removeValue(forKey: id) else { return nil }
        members.remove(Member(element: old))
        return old
    }

    /// Makes the map hold just these elements. Unchanged ones stay in place.
    mutating func replace(with elements: some Sequence<Element>) {
        var gone = Set(byID.keys)
        for element in elements {
            gone.remove(element.id)
            _ = update(element)
        }
        for id in gone { _ = remove(id: id) }
    }

    func changes(since old: PersistentMap) -> Changes {
        var changes = Changes()
        for member in members.subtracting(old.members) {
            if old.byID[member.element.id] == nil {
                changes.added.append(member.element)
            } else {
                changes.updated.append(member.element)
            }
        }
        for member in old.members.subtracting(members) where byID[member.element.id] == nil {
            changes.removed.append(member.element)
        }
        return changes
    }
}

extension PersistentMap: Hashable {
    static func == (left: PersistentMap, right: PersistentMap) -> Bool {
        left.members == right.members
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(members)
    }
}
