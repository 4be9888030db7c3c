import GRPCCore
import GRPCNghttp2Transport
import ServiceKitHTTP2
import ServiceKitProtobuf

/// Writes the response of a call by gRPC-Web (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md): the trailers
/// are the last piece of the body.
struct GRPCWebResponse: ResponseWriter {
    private static let trailersFlag: UInt8 = 0x80

    private let contentType: String
    /// Whether the body is written in base64. Each piece that is sent ends with its own padding.
    private let isText: Bool
    private var hasBegun = false

    init(contentType: String, isText: Bool) {
        self.contentType = contentType
        self.isText = isText
    }

    mutating func begin(_ metadata: Metadata) -> ResponseParts {
        hasBegun = true
        var head = HeaderBlock(status: 200)
        head.append(name: "content-type", value: contentType)
        head.appendSendable(metadata)
        return ResponseParts(head: head)
    }

    func write(_ message: [UInt8]) -> ResponseParts {
        var body: [UInt8] = []
        body.appendEnvelope(flags: 0, message)
        return ResponseParts(body: encoded(body))
    }

    mutating func end(_ status: Status, _ trailers: Metadata) -> ResponseParts {
        var parts = hasBegun ? .none : begin([:])
        var fields = HeaderBlock(["grpc-status": String(status.code.rawValue)])
        if !status.message.isEmpty {
            fields.append(name: "grpc-message", value: StatusMessage.encode(status.message))
        }
        fields.appendSendable(trailers)
        var text: [UInt8] = []
        fields.forEach { name, value in
            text += name
            text += ": ".utf8
            text += value
            text += "\r\n".utf8
        }
        var body: [UInt8] = []
        body.appendEnvelope(flags: Self.trailersFlag, text)
        parts.body = encoded(body)
        parts.end = .data
        return parts
    }

    private func encoded(_ bytes: [UInt8]) -> [UInt8] {
        isText ? Array(Base64.encode(bytes).utf8) : bytes
    }
}
