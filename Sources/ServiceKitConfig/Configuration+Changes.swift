extension Configuration {
    /// Reads everything again that the program has read from earlier configurations, and looks for unknown keys. Throws
    /// ``ConfigurationError`` for the first value that is wrong now.
    package func readAgain() throws(ConfigurationError) {
        for read in known.program.reads { try read.again?(self) }
        try checkForUnknownKeys()
    }

    /// Records that the program follows the changes of a path.
    package func followChanges(at path: String) {
        known.program.follow(ConfigurationPath(path))
    }

    /// The paths whose changes the program follows, sorted.
    package var followedPaths: [String] { known.program.followedPaths }

    /// Whether all values are the same. Their places do not count.
    package func hasSameValues(as other: Configuration) -> Bool {
        root.changes(since: other.root).isEmpty
    }

    /// Whether the value at a path is the same, or missing in both.
    package func hasSameValue(as other: Configuration, at path: String) -> Bool {
        (node(at: path) ?? .absent).changes(since: other.node(at: path) ?? .absent).isEmpty
    }

    /// The paths whose values differ from those of an earlier configuration, and that the program has read and does not
    /// follow.
    package func changesWithoutFollower(since earlier: Configuration) -> [String] {
        let changes = root.changes(since: earlier.root)
        if changes.isEmpty { return [] }
        let reads = known.program.reads
        return changes.filter { change in
            let isRead = reads.contains { read in
                let below = change.keys.dropFirst(read.path.keys.count).first
                return change.keys.starts(with: read.path.keys) && !(below.map(read.exceptions.contains) ?? false)
                    || read.path.keys.starts(with: change.keys)
            }
            return isRead && !known.program.isFollowed(change)
        }
        .map(\.description)
    }
}

extension ConfigurationNode {
    /// The paths of the values that differ from those of an earlier tree. A mapping that is new or gone counts by its
    /// values.
    func changes(
        since earlier: ConfigurationNode,
        at path: ConfigurationPath = ConfigurationPath()
    ) -> [ConfigurationPath] {
        guard let mapping, let old = earlier.mapping else { return hasSameValue(as: earlier) ? [] : [path] }
        let gone = old.entries.filter { mapping[$0.key] == nil }.flatMap { entry in
            entry.value.leaves(at: path.appending(entry.key))
        }
        return mapping.entries.flatMap { entry in
            let path = path.appending(entry.key)
            return old[entry.key].map { entry.value.changes(since: $0.value, at: path) } ?? entry.value.leaves(at: path)
        } + gone
    }

    private func leaves(at path: ConfigurationPath) -> [ConfigurationPath] {
        guard let entries = mapping?.entries, !entries.isEmpty else { return [path] }
        return entries.flatMap { $0.value.leaves(at: path.appending($0.key)) }
    }

    private func hasSameValue(as other: ConfigurationNode) -> Bool {
        guard brackets?.text == other.brackets?.text else { return false }
        switch (content, other.content) {
        case (.scalar(let scalar), .scalar(let other)):
            return scalar == other
        case (.sequence(let elements), .sequence(let others)):
            return elements.count == others.count && zip(elements, others).allSatisfy { $0.hasSameValue(as: $1) }
        case (.mapping, .mapping):
            return changes(since: other).isEmpty
        default:
            return false
        }
    }
}
