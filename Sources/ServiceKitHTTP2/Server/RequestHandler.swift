/// The layer above a server: it decides about each request.
///
/// Several layers share a connection if one handler looks at the head of a request and passes the request on to another.
package protocol RequestHandler: Sendable {
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

/// A request, answered by a task.
package protocol RequestTask: AnyObject, Sendable {
    var stream: HTTP2Stream { get }

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
