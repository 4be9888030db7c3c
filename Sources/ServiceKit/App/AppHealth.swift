/// Whether an App serves.
public enum AppHealth: String, Codable, Sendable {
    /// Not all servers are ready, or a required registration is still missing.
    case starting
    /// It takes calls.
    case serving
    /// It leaves the traffic; calls in flight end.
    case stopping
    /// It has ended.
    case stopped

    /// The answer to health checks.
    public var isServing: Bool { self == .serving }
}
