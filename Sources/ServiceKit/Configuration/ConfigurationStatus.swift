public import FoundationEssentials

/// The state of the configuration at one moment, for operators.
public struct ConfigurationStatus: Codable, Hashable, Sendable {
    /// The number of the configuration in force. The one at the start is 1; a change that is taken adds 1.
    public var generation = 1
    /// When the configuration in force was taken.
    public var since: Date
    /// How many changes were refused since the start.
    public var refusals = 0
    /// Why the last change was refused, with its place; `nil` when it was taken.
    public var refusal: String?
    /// The paths whose values differ from those at the start, and that take effect at the next start only.
    public var needsRestart: [String] = []
    /// Why sources are away, by their names. Their last values stay in force.
    public var away: [String: String] = [:]
}
