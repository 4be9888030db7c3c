/// Keys and values in written order, found by key in constant time.
struct Mapping: Sendable {
    struct Entry: Sendable {
        var key: String
        /// The place of the key; `nil` for defaults.
        var keyLocation: SourceLocation?
        var value: ConfigurationNode
        /// The default section that a written null hides. `grpc:` without a value means "all defaults" for a required
        /// section, and "none" for an optional one. Only the decoder knows which.
        var hiddenDefault: ConfigurationNode?
    }

    private(set) var entries: [Entry] = []
    private var positions: [String: Int] = [:]

    /// Whether this is an enum case with its payload, `{case: {…}}`. Another case replaces it and never joins it.
    var isEnumCase = false

    subscript(key: String) -> Entry? {
        positions[key].map { entries[$0] }
    }

    /// Adds the entry, or replaces the entry with the same key.
    mutating func set(_ entry: Entry) {
        if let position = positions[entry.key] {
            entries[position] = entry
        } else {
            positions[entry.key] = entries.count
            entries.append(entry)
        }
    }
}
