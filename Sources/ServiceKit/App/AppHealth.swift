/// Whether an App serves.
public enum AppHealth: Hashable, Sendable {
    /// Its servers are not all ready, or it is not registered yet though it must be.
    case starting
    /// It takes calls.
    case serving
    /// It is being taken out of traffic; calls in flight end.
    case stopping
    /// It has ended.
    case stopped

    /// What health checks are told.
    public var isServing: Bool { self == .serving }
}
