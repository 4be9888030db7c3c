import GRPCCore
import GRPCNghttp2Transport
import NIOCore
import NIOSSL
import ServiceKitHTTP2
import Synchronization

/// A call over HTTP in another protocol than gRPC's own: a reader makes messages of the request's body, a writer makes a
/// response of messages.
final class HTTPCallWire: CallWire {
    private struct Inbound {
        var reader: any RequestReader
        var hasEnded = false
    }

    private let exchange: any HTTPExchange
    private let inbound: Mutex<Inbound>
    private let writer: Mutex<any ResponseWriter>
    private let extraFields: HeaderBlock
    private let beginsWhenRead: Bool

    /// - Parameters:
    ///   - exchange: The request and its response.
    ///   - reader: Reads the request's messages.
    ///   - writer: Writes the response.
    ///   - extraFields: Fields of the response's head beside the writer's.
    ///   - beginsWhenRead: Whether the response begins when the request is read, at the latest: the client waits for the
    ///     head before it sends a message.
    init(
        _ exchange: any HTTPExchange,
        reader: any RequestReader,
        writer: any ResponseWriter,
        extraFields: HeaderBlock,
        beginsWhenRead: Bool = false
    ) {
        self.exchange = exchange
        inbound = Mutex(Inbound(reader: reader))
        self.writer = Mutex(writer)
        self.extraFields = extraFields
        self.beginsWhenRead = beginsWhenRead
    }

    var transport: String { "http" }
    var id: Int32 { exchange.id }
    var remotePeer: String { exchange.remotePeer }
    var localPeer: String { exchange.localPeer }
    var peerCertificate: NIOSSLCertificate? { exchange.peerCertificate }

    func setListener(_ listener: any HTTP2StreamListener) { exchange.setListener(listener) }

    func setDeadline(_ time: NIODeadline) { exchange.setDeadline(time) }

    func interrupt(_ failure: StreamFailure) { exchange.interrupt(failure) }

    func cancelTask() { exchange.cancelTask() }

    func returned(_ call: ServerCall) { exchange.returned(call) }

    // MARK: - The request

    func poll() throws -> InboundPoll {
        if beginsWhenRead { try send(head: [:], .identity, isMessageNext: false) }
        return try inbound.withLock { inbound in
            while true {
                if let message = inbound.reader.next() { return .part(.body(BodyPiece(message: message))) }
                if inbound.hasEnded || inbound.reader.isComplete { return .end }
                switch exchange.poll() {
                case .part(.body(let piece)):
                    try inbound.reader.receive(piece.bytes)
                case .part(.headers):
                    break
                case .end:
                    inbound.hasEnded = true
                    try inbound.reader.finish()
                case .failed(let failure):
                    return .failed(failure)
                case .wait:
                    return .wait
                }
            }
        }
    }

    func waitUntilReadable() async throws { try await exchange.waitUntilReadable() }

    func decompress(_ bytes: [UInt8], _ encoding: MessageEncoding, maxMessageBytes: Int) -> [UInt8] { bytes }

    // MARK: - The response

    func send(head metadata: Metadata, _ encoding: MessageEncoding, isMessageNext: Bool) throws {
        let parts = try writer.withLock { try $0.begin(metadata) }
        try sendHead(of: parts, isBodyNext: isMessageNext)
    }

    func trySend(_ message: [UInt8], _ encoding: MessageEncoding, limit: Int) throws -> Bool {
        guard exchange.isWritable else { return false }
        let parts = try parts(message, limit)
        try sendHead(of: parts, isBodyNext: !parts.body.isEmpty)
        // There is one writer, so that there is room still.
        if !parts.body.isEmpty, try !exchange.trySend(body: parts.body) { exchange.send(lastBody: parts.body) }
        return true
    }

    func waitUntilWritable() async throws { try await exchange.waitUntilWritable() }

    func sendLast(_ message: [UInt8], _ encoding: MessageEncoding, limit: Int) throws {
        let parts = try parts(message, limit)
        try sendHead(of: parts, isBodyNext: true)
        if !parts.body.isEmpty { exchange.send(lastBody: parts.body) }
    }

    func send(_ status: Status, _ trailers: Metadata, isFirst: Bool) throws {
        let parts = writer.withLock { $0.end(status, trailers) }
        if parts.isBroken { return exchange.reset() }
        if parts.body.isEmpty, case .data? = parts.end, parts.head != nil {
            return try sendHead(of: parts, isEnd: true, isBodyNext: false)
        }
        try sendHead(of: parts, isBodyNext: true)
        if !parts.body.isEmpty { exchange.send(lastBody: parts.body) }
        try exchange.send(end: parts.end ?? .data)
    }

    private func parts(_ message: [UInt8], _ limit: Int) throws -> ResponseParts {
        guard message.count <= limit else {
            throw RPCError(
                code: .resourceExhausted, message: "the message takes \(message.count) bytes where \(limit) are allowed"
            )
        }
        return try writer.withLock { try $0.write(message) }
    }

    private func sendHead(of parts: ResponseParts, isEnd: Bool = false, isBodyNext: Bool) throws(StreamFailure) {
        guard var head = parts.head else { return }
        head.append(extraFields)
        try exchange.send(head: head, isEnd: isEnd, isBodyNext: isBodyNext)
    }
}
