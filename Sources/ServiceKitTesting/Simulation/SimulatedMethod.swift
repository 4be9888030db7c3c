/// A method that a ``SimulatedClient`` calls, and the rules by which its calls are made again: those of `client.retry.methods`
/// and `client.retry.idempotent`.
public struct SimulatedMethod: Hashable, Sendable {
    /// The name of the operation: `/user.v1.UserService/GetUser`.
    public let operation: String
    /// The share of the calls, in proportion to those of the other methods; 1 by default.
    public var share = 1.0
    /// How often a call is made at most; as the client says by default.
    public var attempts: Int?
    /// Whether a call may be made again that a server may have processed; true by default. A call that a limit has refused is
    /// made again in any case.
    public var isIdempotent = true
    /// How long a call has no answer before another attempt is made beside it; as the client says by default.
    public var hedgingDelay: Duration?

    /// A method with the defaults.
    public init(_ operation: String) {
        self.operation = operation
    }
}
