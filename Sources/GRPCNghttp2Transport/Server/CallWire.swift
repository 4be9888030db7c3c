package import GRPCCore
package import NIOCore
package import NIOSSL
package import ServiceKitHTTP2

/// A call on the wire: the part of a `ServerCall` that knows the protocol of its caller.
///
/// A wire may be used from any thread, but has one reader and one writer at a time.
package protocol CallWire: Sendable {
    /// The name of the protocol, as middleware sees it: `grpc` or `http`.
    var transport: String { get }
    /// The number of the call on its connection.
    var id: Int32 { get }
    /// The caller's address, in gRPC's notation.
    var remotePeer: String { get }
    /// This side's address, in gRPC's notation.
    var localPeer: String { get }
    /// The caller's certificate, verified; `nil` without mutual TLS.
    var peerCertificate: NIOSSLCertificate? { get }

    /// Has the call told once when its caller leaves, and when its deadline comes.
    func setListener(_ listener: any HTTP2StreamListener)
    /// Tells the listener at this time, unless the call is over by then.
    func setDeadline(_ time: NIODeadline)
    /// Fails the reader, and the writer of messages; the status can still be sent.
    func interrupt(_ failure: StreamFailure)
    /// Cancels the task of the call, if it is running.
    func cancelTask()
    /// The task of the call has nothing left to do.
    func returned(_ call: ServerCall)

    /// Takes the next message of the request if it is there. Its piece has gRPC's prefix.
    func poll() throws -> InboundPoll
    /// Returns when `poll` has something to return.
    ///
    /// - Throws: `CancellationError` if the task is cancelled while it waits.
    func waitUntilReadable() async throws
    /// Decompresses a message of the request.
    func decompress(_ bytes: [UInt8], _ encoding: MessageEncoding, maxMessageBytes: Int) throws -> [UInt8]

    /// Sends the head of the response, once.
    func send(head metadata: Metadata, _ encoding: MessageEncoding, isMessageNext: Bool) throws
    /// Sends a message of the response, unless too much waits to be sent.
    ///
    /// - Returns: Whether the message is sent.
    func trySend(_ message: [UInt8], _ encoding: MessageEncoding, limit: Int) throws -> Bool
    /// Returns when there is room for a message, or nothing can be sent any more.
    ///
    /// - Throws: `CancellationError` if the task is cancelled while it waits.
    func waitUntilWritable() async throws
    /// Sends the last message, which the status follows at once.
    func sendLast(_ message: [UInt8], _ encoding: MessageEncoding, limit: Int) throws
    /// Ends the response with its status.
    ///
    /// - Parameter isFirst: Whether no head was sent.
    func send(_ status: Status, _ trailers: Metadata, isFirst: Bool) throws
}
