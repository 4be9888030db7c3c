/// What a backend did not do as its contract says.
public struct ConformanceFailure: Error, Sendable, CustomStringConvertible {
    /// The backend, the check, what was expected and what was seen instead.
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
