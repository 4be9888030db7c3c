/// One attempt of a call that is made: a client makes more than one when it retries.
public struct CallAttempt: Sendable {
    /// Is told how an attempt ended; see ``onEnd(_:)``.
    public typealias End = @Sendable (_ report: CallReport) -> Void

    /// The called operation: `/user.v1.UserService/GetUser`.
    public let operation: String
    /// The attempt's number; the first is 1.
    public let number: Int
    /// The node that the attempt goes to.
    public let node: Node
    /// The headers of this attempt; changes are sent, and do not reach the next attempt.
    public var metadata: CallMetadata { didSet { isMetadataChanged = true } }

    /// Whether headers have been changed.
    package private(set) var isMetadataChanged = false
    package private(set) var ends: [End] = []

    /// Creates an attempt. Clients do so, and tests of middleware.
    public init(operation: String, number: Int = 1, node: Node, metadata: CallMetadata = [:]) {
        self.operation = operation
        self.number = number
        self.node = node
        self.metadata = metadata
    }

    /// Leaves a function that gets the attempt's end, exactly once.
    ///
    /// - Parameter end: Gets the report that the balancer gets as well. It is called on the task that ends the attempt, and
    ///   must not block.
    public mutating func onEnd(_ end: @escaping End) {
        ends.append(end)
    }

    /// Tells the functions that were left with ``onEnd(_:)``, the last one first, and forgets them.
    ///
    /// Clients call it, and tests of middleware.
    public mutating func end(with report: CallReport) {
        let ends = ends
        self.ends = []
        for end in ends.reversed() { end(report) }
    }
}
