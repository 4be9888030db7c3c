package import NIOCore

/// The layer above a server: it decides about each request.
///
/// Several layers share a connection if one handler looks at the head of a request and passes the request on to another.
package protocol RequestHandler: Sendable {
    /// Gets the requests of clients that speak HTTP/1.1. Default: `nil`, and such clients are refused.
    var http1: HTTP1Handler? { get }

    /// Takes a request whose head has arrived. Called on the event loop of the connection.
    ///
    /// - Parameters:
    ///   - stream: The stream of the request. A layer with framing of its own sets the stream's decoder here.
    ///   - headers: The head; `nil` if HTTP/2 forbids it, in which case `HTTP2Stream.refusal` tells why, or if it exceeds a
    ///     bound. The handler then answers with an error.
    ///   - connection: The connection that runs the request.
    /// - Returns: The request, to be run by a task; `nil` if the handler has answered it.
    func open(
        _ stream: HTTP2Stream,
        headers: HeaderBlock?,
        on connection: ServerConnection
    ) -> (any RequestTask)?
}

extension RequestHandler {
    /// None.
    package var http1: HTTP1Handler? { nil }
}

/// The layer above connections of HTTP/1.1, with its bounds.
package struct HTTP1Handler: Sendable {
    /// Takes a request whose head has arrived, in HTTP/2's form: names in lower case, `:method`, `:scheme`, `:path` and
    /// `:authority` first. Called on the event loop of the connection. Returns the request, to be run by a task; `nil` if
    /// it is answered.
    package var open: @Sendable (_ exchange: any HTTPExchange, _ headers: HeaderBlock) -> (any RequestTask)?
    /// Answers a request that is refused before it has a head, with a status and the reason.
    package var refuse: @Sendable (_ status: Int, _ reason: String) -> (fields: HeaderBlock, body: [UInt8])
    /// How long a connection may be without a request before it is closed, and a WebSocket silent before it is pinged.
    package var idleTimeout: TimeAmount
    /// How long the next bytes of a body may take.
    package var bodyTimeout: TimeAmount

    package init(
        idleTimeout: TimeAmount,
        bodyTimeout: TimeAmount,
        refuse: @escaping @Sendable (_ status: Int, _ reason: String) -> (fields: HeaderBlock, body: [UInt8]),
        open: @escaping @Sendable (_ exchange: any HTTPExchange, _ headers: HeaderBlock) -> (any RequestTask)?
    ) {
        self.open = open
        self.refuse = refuse
        self.idleTimeout = idleTimeout
        self.bodyTimeout = bodyTimeout
    }
}

/// A request, answered by a task.
package protocol RequestTask: AnyObject, Sendable {
    /// The number of the request on its connection: that of its stream.
    var id: Int32 { get }

    /// Starts the task. Called on the event loop of the connection, when the bytes of the body that came with the head are
    /// there.
    ///
    /// - Parameter executor: The executor of the task; `nil` for the global pool.
    /// - Returns: The task. The last thing that it does is to call `ServerConnection.returned(_:)`.
    func start(on executor: (any TaskExecutor)?) -> Task<Void, Never>

    /// Called in place of `start` when the connection has closed before.
    func abandon()
}

extension RequestTask {
    /// Does nothing.
    package func abandon() {}
}
