private import FoundationEssentials

/// When an instance started, as its label `started` says.
enum StartTime {
    /// The time now as RFC 3339 writes it, in UTC: `2026-01-31T12:00:00Z`.
    static func text() -> String {
        Date.now.formatted(.iso8601)
    }
}
