/// How a call ended.
public struct CallResult: Sendable {
    /// The error that the call failed with; `nil` when it succeeded. On a server the handler threw it, on a client the
    /// server answered with it.
    public private(set) var error: (any Error)?
    /// The trailers. On a client they are those of the server's answer, also of a failed call. Changes are passed on: on a
    /// server to its caller, on a client to the code that made the call.
    public var trailers: CallMetadata { didSet { areTrailersChanged = true } }
    /// The node that the last attempt went to, also when the call failed. It is `nil` on a server, and on a client when there
    /// was no attempt.
    public let node: Node?
    /// The number of attempts that the client made; 0 on a server.
    public let attempts: Int

    /// Whether trailers have been changed.
    package private(set) var areTrailersChanged = false

    /// Creates a result. Transports do so, and tests of middleware.
    ///
    /// - Parameters:
    ///   - error: The error of a failed call.
    ///   - trailers: The trailers; none by default.
    ///   - node: The node that the last attempt went to.
    ///   - attempts: The number of attempts that the client made.
    public init(
        error: (any Error)? = nil,
        trailers: CallMetadata = [:],
        node: Node? = nil,
        attempts: Int = 0
    ) {
        self.error = error
        self.trailers = trailers
        self.node = node
        self.attempts = attempts
    }

    /// Makes the call fail, or fail with another error. A failed call cannot be made a success.
    ///
    /// - Parameter error: The error that takes the place of the result so far, trailers included.
    public mutating func fail(with error: any Error) {
        self.error = error
        trailers = [:]
    }
}

extension CallStatus {
    /// Whether the status is a failure of the side that reports it. For a client every code but `OK` is one. For a server
    /// only those are that its callers do not cause (OpenTelemetry's conventions for gRPC).
    func isFailure(of side: Call.Side) -> Bool {
        switch (side, self) {
        case (_, .ok): false
        case (.client, _): true
        case (.server, .unknown), (.server, .deadlineExceeded), (.server, .unimplemented), (.server, .internalError),
            (.server, .unavailable), (.server, .dataLoss):
            true
        case (.server, _): false
        }
    }
}
