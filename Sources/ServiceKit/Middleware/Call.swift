/// A call on its way through the middleware, on the server that serves it or the client that makes it.
public struct Call: Sendable {
    /// Who runs the middleware.
    public enum Side: Sendable {
        /// The server, around the handler.
        case server
        /// The client, around all attempts of the call.
        case client
    }

    /// Which side this is.
    public let side: Side
    /// The protocol: `grpc` or `http`.
    public let transport: String
    /// The called operation as a path: `/user.v1.UserService/GetUser`.
    public let path: String
    /// The other side: the caller's address on a server, the target's name on a client.
    public let peer: String
    /// The request's headers; on a client, what is changed here is sent.
    public var metadata: CallMetadata
    /// Headers that a server adds to its response. A client does not use them.
    public var responseMetadata: CallMetadata = [:]
    /// When the call must have ended; `nil` is never. The transport ends it then, at what the last middleware has passed
    /// on.
    public var deadline: ContinuousClock.Instant?

    /// Creates a call; transports do.
    public init(
        side: Side,
        transport: String,
        path: String,
        peer: String,
        metadata: CallMetadata = [:],
        deadline: ContinuousClock.Instant? = nil
    ) {
        self.side = side
        self.transport = transport
        self.path = path
        self.peer = peer
        self.metadata = metadata
        self.deadline = deadline
    }
}

/// How a call ended that did not fail.
public struct CallResult: Sendable {
    /// The trailers; a server sends what is changed here.
    public var trailers: CallMetadata
    /// On a client, the instance that served the call.
    public var servedBy: ServiceInstance?

    /// Creates a result; transports do.
    public init(trailers: CallMetadata = [:], servedBy: ServiceInstance? = nil) {
        self.trailers = trailers
        self.servedBy = servedBy
    }
}
