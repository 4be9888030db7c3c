import GRPCCore
import NIOCore
import NIOSSL
import ServiceKitHTTP2

/// A call in gRPC's own protocol: a stream of HTTP/2.
///
/// Three references, which fit into an existential: no call has memory for its wire.
struct GRPCWire: CallWire {
    let stream: HTTP2Stream
    let connection: ServerConnection

    var transport: String { "grpc" }
    var id: Int32 { stream.id }
    var remotePeer: String { stream.remotePeer }
    var localPeer: String { stream.localPeer }
    var peerCertificate: NIOSSLCertificate? { stream.peerCertificate }

    func setListener(_ listener: any HTTP2StreamListener) { stream.setListener(listener) }

    func setDeadline(_ time: NIODeadline) { stream.setDeadline(time) }

    func interrupt(_ failure: StreamFailure) { stream.interrupt(failure) }

    func cancelTask() { connection.cancelTask(of: stream.id) }

    func returned(_ call: ServerCall) { connection.returned(call) }

    // MARK: - The request

    func poll() -> InboundPoll { stream.poll() }

    func waitUntilReadable() async throws { try await stream.waitUntilReadable() }

    func decompress(_ bytes: [UInt8], _ encoding: MessageEncoding, maxMessageBytes: Int) throws -> [UInt8] {
        try stream.decompress(bytes, encoding, maxMessageBytes: maxMessageBytes)
    }

    // MARK: - The response

    func send(head metadata: Metadata, _ encoding: MessageEncoding, isMessageNext: Bool) throws {
        var block = HeaderBlock()
        try block.append(metadata)
        let maxBytes = stream.maxHeaderListBytes
        guard block.listSize <= maxBytes else {
            throw StreamFailure.outboundHeadersTooLarge(bytes: block.listSize, limit: maxBytes)
        }
        block.append(encoding)
        try stream.send(head: block, prefix: .common, isBodyNext: isMessageNext)
    }

    func trySend(_ message: [UInt8], _ encoding: MessageEncoding, limit: Int) throws -> Bool {
        // A message is compressed only when it can be sent.
        guard encoding == .identity || stream.isWritable else { return false }
        return try stream.trySend(BodyPiece(message: message, encoding, limit: limit))
    }

    func waitUntilWritable() async throws { try await stream.waitUntilWritable() }

    func sendLast(_ message: [UInt8], _ encoding: MessageEncoding, limit: Int) throws {
        try stream.sendLast(BodyPiece(message: message, encoding, limit: limit))
    }

    func send(_ status: Status, _ trailers: Metadata, isFirst: Bool) throws {
        let block = HeaderBlock.trailers(status, trailers, maxBytes: stream.maxHeaderListBytes)
        if isFirst {
            try stream.send(head: block, prefix: .common, endStream: true)
        } else {
            try stream.send(end: .trailers(block))
        }
    }
}
