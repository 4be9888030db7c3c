/// Keys and values in the order in which they are written, found by key in constant time.
struct Mapping: Sendable {
    struct Entry: Sendable {
        var key: String
        /// Where the key is written; `nil` for defaults.
        var keyLocation: SourceLocation?
        var value: ConfigurationNode
        /// The default section that a written null hides. `grpc:` with nothing below it means "all defaults" to a
        /// section that is required and "none" to one that is optional, and only the decoder knows which it is.
        var hiddenDefault: ConfigurationNode?
    }

    private(set) var entries: [Entry] = []
    private var positions: [String: Int] = [:]

    /// Whether this is an enum case with its payload, `{case: {…}}`: another case replaces it, never joins it.
    var isEnumCase = false

    subscript(key: String) -> Entry? {
        positions[key].map { entries[$0] }
    }

    /// Adds the entry, in the place of one with the same key if there is one.
    mutating func set(_ entry: Entry) {
        if let position = positions[entry.key] {
            entries[position] = entry
        } else {
            positions[entry.key] = entries.count
            entries.append(entry)
        }
    }
}
