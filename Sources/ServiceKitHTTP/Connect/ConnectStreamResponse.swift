import GRPCCore
import ServiceKitHTTP2
import ServiceKitProtobuf

/// Writes the response of a call by Connect whose response, or request, is a stream
/// (https://connectrpc.com/docs/protocol#streaming-request).
struct ConnectStreamResponse: ResponseWriter {
    private static let endFlag: UInt8 = 2

    private let form: MessageForm
    private let contentType: String
    private var hasBegun = false

    init(_ form: MessageForm, contentType: String) {
        self.form = form
        self.contentType = contentType
    }

    mutating func begin(_ metadata: Metadata) -> ResponseParts {
        hasBegun = true
        var head = HeaderBlock(status: 200)
        head.append(name: "content-type", value: contentType)
        head.appendSendable(metadata)
        return ResponseParts(head: head)
    }

    func write(_ message: [UInt8]) throws -> ResponseParts {
        var body: [UInt8] = []
        body.appendEnvelope(flags: 0, try form.encode(message))
        return ResponseParts(body: body)
    }

    mutating func end(_ status: Status, _ trailers: Metadata) -> ResponseParts {
        var parts = hasBegun ? .none : begin([:])
        let error = CallError(status, trailers)
        var members: [JSONValue.Member] = []
        if let error { members.append(.init("error", error.connectJSON)) }
        let metadata = Self.json(error?.trailers ?? trailers)
        if !metadata.isEmpty { members.append(.init("metadata", .object(metadata))) }
        parts.body.appendEnvelope(flags: Self.endFlag, JSONValue.object(members).text.utf8)
        parts.end = .data
        return parts
    }

    private static func json(_ metadata: Metadata) -> [JSONValue.Member] {
        var members: [JSONValue.Member] = []
        for (name, value) in metadata {
            let text =
                switch value {
                case .string(let text): text
                case .binary(let bytes): String(Base64.encode(bytes).prefix { $0 != "=" })
                }
            if let index = members.firstIndex(where: { $0.name == name }) {
                guard case .array(let values) = members[index].value else { continue }
                members[index].value = .array(values + [.string(text)])
            } else {
                members.append(.init(name, .array([.string(text)])))
            }
        }
        return members
    }
}
