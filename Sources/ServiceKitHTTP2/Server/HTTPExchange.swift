package import NIOCore
package import NIOSSL

/// A request over HTTP and its response, of either version.
///
/// It may be used from any thread, but has one reader and one writer at a time.
package protocol HTTPExchange: Sendable {
    /// The number of the request on its connection.
    var id: Int32 { get }
    /// The client's address, in gRPC's notation.
    var remotePeer: String { get }
    /// This side's address, in gRPC's notation.
    var localPeer: String { get }
    /// The client's certificate, verified; `nil` without mutual TLS.
    var peerCertificate: NIOSSLCertificate? { get }
    /// The version of HTTP, for logs and errors: `1.1`, `2`.
    var version: String { get }
    /// The largest header block that may be sent, in bytes as HTTP/2 counts them.
    var maxHeaderListBytes: Int { get }

    /// The protocol that the client offers to change to, in lower case; `nil` if there is none. Only of HTTP/1.1.
    var offeredUpgrade: String? { get }
    /// Has the connection change to this protocol if the status of the response is 101. Called on the event loop, while the
    /// request is opened.
    func accept(_ upgrade: HTTP1Upgrade)

    /// Has a listener told once when the client leaves, and when a deadline comes.
    func setListener(_ listener: any HTTP2StreamListener)
    /// Tells the listener at this time, unless the exchange is over by then.
    func setDeadline(_ time: NIODeadline)
    /// Fails the reader, and the writer of the body.
    func interrupt(_ failure: StreamFailure)
    /// Ends the exchange in the middle: the client learns that the response is not whole.
    func reset()
    /// Cancels the task of the request, if it is running.
    func cancelTask()
    /// The task of the request has nothing left to do.
    func returned(_ request: any RequestTask)

    /// Takes the next piece of the request's body, if it is there. For one reader at a time.
    func poll() -> InboundPoll
    /// Returns when `poll` has something to return.
    ///
    /// - Throws: `CancellationError` if the task is cancelled while it waits.
    func waitUntilReadable() async throws

    /// Sends the head of the response, with `:status` first. With `isBodyNext` it leaves together with the body that
    /// follows.
    func send(head: HeaderBlock, isEnd: Bool, isBodyNext: Bool) throws(StreamFailure)
    /// Whether there is room for more of the body, or nothing can be sent any more.
    var isWritable: Bool { get }
    /// Returns when there is room for more of the body, or nothing can be sent any more.
    ///
    /// - Throws: `CancellationError` if the task is cancelled while it waits.
    func waitUntilWritable() async throws
    /// Sends bytes of the body, unless there is no room.
    ///
    /// - Returns: Whether they are sent.
    /// - Throws: The failure of the exchange, also after `interrupt`.
    func trySend(body: [UInt8]) throws(StreamFailure) -> Bool
    /// Sends the last bytes of the body, even if there is no room, and after `interrupt`. They leave together with the end
    /// that follows.
    func send(lastBody: [UInt8])
    /// Ends the response.
    func send(end: StreamEnd) throws(StreamFailure)
}

extension HTTPExchange {
    /// None.
    package var offeredUpgrade: String? { nil }

    /// Does nothing.
    package func accept(_ upgrade: HTTP1Upgrade) {}
}

/// An exchange over HTTP/2.
package struct HTTP2Exchange: HTTPExchange {
    private let stream: HTTP2Stream
    private let connection: ServerConnection
    /// Whether the request is a HEAD: the response has the head of one to GET, and no body.
    package var isHeadRequest = false

    package init(_ stream: HTTP2Stream, on connection: ServerConnection) {
        self.stream = stream
        self.connection = connection
    }

    package var id: Int32 { stream.id }
    package var remotePeer: String { stream.remotePeer }
    package var localPeer: String { stream.localPeer }
    package var peerCertificate: NIOSSLCertificate? { stream.peerCertificate }
    package var version: String { "2" }
    package var maxHeaderListBytes: Int { stream.maxHeaderListBytes }

    package func setListener(_ listener: any HTTP2StreamListener) { stream.setListener(listener) }

    package func setDeadline(_ time: NIODeadline) { stream.setDeadline(time) }

    package func interrupt(_ failure: StreamFailure) { stream.interrupt(failure) }

    package func reset() { stream.reset(.internalError, failure: .cancelled) }

    package func cancelTask() { connection.cancelTask(of: stream.id) }

    package func returned(_ request: any RequestTask) { connection.returned(request) }

    package func poll() -> InboundPoll { stream.poll() }

    package func waitUntilReadable() async throws { try await stream.waitUntilReadable() }

    package func send(head: HeaderBlock, isEnd: Bool, isBodyNext: Bool) throws(StreamFailure) {
        guard head.listSize <= maxHeaderListBytes else {
            throw .outboundHeadersTooLarge(bytes: head.listSize, limit: maxHeaderListBytes)
        }
        try stream.send(head: head, endStream: isEnd || isHeadRequest, isBodyNext: isBodyNext && !isHeadRequest)
    }

    package var isWritable: Bool { stream.isWritable }

    package func waitUntilWritable() async throws { try await stream.waitUntilWritable() }

    package func trySend(body: [UInt8]) throws(StreamFailure) -> Bool {
        if isHeadRequest { return true }
        return try stream.trySend(BodyPiece(bytes: body))
    }

    package func send(lastBody: [UInt8]) {
        if !isHeadRequest { stream.enqueueLast(BodyPiece(bytes: lastBody)) }
    }

    package func send(end: StreamEnd) throws(StreamFailure) {
        // The head has ended the response.
        if !isHeadRequest { try stream.send(end: end) }
    }
}
