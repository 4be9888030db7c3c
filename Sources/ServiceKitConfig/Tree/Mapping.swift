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

    /// The most entries that are searched one by one, which is faster for so few.
    private static let longestSearch = 8

    private(set) var entries: [Entry] = []
    /// The places of the entries; empty while there are few.
    private var positions: [String: Int] = [:]

    /// Whether this is an enum case with its payload, `{case: {…}}`. Another case replaces it and never joins it.
    var isEnumCase = false

    subscript(key: String) -> Entry? {
        position(of: key).map { entries[$0] }
    }

    /// Adds the entry, or replaces the entry with the same key.
    mutating func set(_ entry: Entry) {
        if let position = position(of: entry.key) {
            entries[position] = entry
            return
        }
        entries.append(entry)
        if entries.count == Self.longestSearch + 1 {
            for (position, entry) in entries.enumerated() { positions[entry.key] = position }
        } else if entries.count > Self.longestSearch {
            positions[entry.key] = entries.count - 1
        }
    }

    private func position(of key: String) -> Int? {
        entries.count > Self.longestSearch ? positions[key] : entries.firstIndex { $0.key == key }
    }
}
