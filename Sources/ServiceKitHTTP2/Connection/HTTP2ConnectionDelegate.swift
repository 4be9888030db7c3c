/// The layer above an `HTTP2Connection`. All functions are called on the connection's event loop.
protocol HTTP2ConnectionDelegate: AnyObject, Sendable {
    /// The peer has sent its settings: the connection is one of HTTP/2, and can be used.
    func connectionReady(_ connection: HTTP2Connection)

    /// The peer opened a stream. `headers` is `nil` if HTTP/2 forbids them (`HTTP2Stream.refusal` tells why), or if
    /// there are more than this side takes; the delegate then refuses the call.
    func connection(_ connection: HTTP2Connection, opened stream: HTTP2Stream, headers: HeaderBlock?)

    /// All bytes that were there to be read were processed; work put off while they were can be done.
    func connectionReadComplete(_ connection: HTTP2Connection)

    /// The peer takes no more streams; the open ones go on.
    func connection(_ connection: HTTP2Connection, isDraining reason: String)

    /// The connection is gone, and all its streams have failed or ended.
    func connection(_ connection: HTTP2Connection, closed reason: String)

    /// Requests wait for the peer to take one more. For clients only.
    func connectionHasWaitingRequests(_ connection: HTTP2Connection)
}

extension HTTP2ConnectionDelegate {
    func connectionHasWaitingRequests(_ connection: HTTP2Connection) {}
}
