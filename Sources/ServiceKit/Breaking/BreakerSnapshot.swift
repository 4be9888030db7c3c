/// A method whose circuit breaker refuses calls at one moment.
public struct BreakerSnapshot: Codable, Hashable, Sendable {
    /// The method: `/user.v1.UserService/GetUser`; `_OTHER` for those beyond the first thousand, together.
    public var operation: String
    /// The probability with which a call is refused, from 0 to 1.
    public var refusalProbability: Double

    /// Creates a description.
    public init(operation: String, refusalProbability: Double) {
        self.operation = operation
        self.refusalProbability = refusalProbability
    }
}

extension CircuitBreakers {
    /// The methods whose breakers refuse calls now, by their names.
    package var snapshot: [BreakerSnapshot] {
        let now = now()
        guard isEnabled else { return [] }
        return methods.all.compactMap { operation, method in
            let probability = method.refusalProbability(at: now)
            return probability > 0 ? BreakerSnapshot(operation: operation, refusalProbability: probability) : nil
        }.sorted { $0.operation < $1.operation }
    }
}
