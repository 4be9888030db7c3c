import NIOCore

/// Another protocol that a connection of HTTP/1.1 can change to (RFC 9110, section 7.8).
///
/// The layer above gives it to the exchange of a request that offers the protocol. A response with the status 101 then changes
/// the connection; any other response refuses, and the connection closes behind it.
package struct HTTP1Upgrade: Sendable {
    /// The name in the header `Upgrade`.
    let name: String
    /// Makes the protocol's side of a connection. Called on the event loop.
    let make: @Sendable (HTTP1Exchange, HTTP1Connection) -> any UpgradedProtocol
}

/// The protocol of a connection of HTTP/1.1 after a response 101. All of it runs on the event loop.
///
/// The connection stays the last handler of its channel: it owns the tasks and the time limit, and learns of the channel's
/// end. The exchange stays too: the bodies of the request and of the response carry the other protocol.
protocol UpgradedProtocol: AnyObject {
    /// Adds the handlers of the protocol. No inbound data may pass them.
    func addHandlers(to pipeline: ChannelPipeline.SynchronousOperations, before connection: HTTP1Connection) throws
    /// Writes what the exchange has to send, as far as the client takes it.
    func flush()
    /// The reader of the exchange has taken so much that reading may go on.
    func bodyWasRead()
    /// The time limit of the connection has passed.
    func timeIsUp()
    /// Ends the connection at once, in the protocol's way.
    func stop()
}
