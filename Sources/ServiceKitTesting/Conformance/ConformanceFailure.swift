/// A breach of the registries' contract.
public struct ConformanceFailure: Error, Sendable, CustomStringConvertible {
    /// The backend, the check, the expectation, and the observation.
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
