/// The failures of calls, by their status and message.
struct FailureCounts: Sendable {
    /// The most messages that are counted one by one; some have an id in them, and are all different.
    private static let mostMessages = 1000
    /// The most lines of the summary.
    private static let mostLines = 10

    private struct Kind: Hashable {
        let status: String
        let message: String
    }

    private var counts: [Kind: Int] = [:]
    private(set) var count = 0
    private(set) var byStatus: [String: Int] = [:]

    mutating func add(_ status: String, _ message: String) {
        count += 1
        byStatus[status, default: 0] += 1
        let kind = Kind(status: status, message: message)
        if counts[kind] != nil || counts.count < Self.mostMessages { counts[kind, default: 0] += 1 }
    }

    /// A line for each message, the most frequent first, and one for the rest.
    var lines: [String] {
        let sorted = counts.sorted {
            ($1.value, $0.key.status, $0.key.message) < ($0.value, $1.key.status, $1.key.message)
        }
        let shown = sorted.prefix(Self.mostLines)
        let rest = count - shown.reduce(0) { $0 + $1.value }
        return shown.map { "\($0.value) \($0.key.status): \($0.key.message)" }
            + (rest > 0 ? ["\(rest) with other messages"] : [])
    }
}
