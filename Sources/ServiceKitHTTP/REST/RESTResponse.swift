import GRPCCore
import ServiceKit
import ServiceKitHTTP2
import ServiceKitProtobuf

/// Writes the response of a unary call over REST: one document, and for an error the status and the body of go-kratos.
struct RESTResponse: ResponseWriter {
    /// Makes the body of a message.
    private let encode: @Sendable (_ message: [UInt8]) throws -> RESTBody
    private var metadata = Metadata()
    private var body = RESTBody(contentType: "application/json", bytes: [])

    init(_ encode: @escaping @Sendable (_ message: [UInt8]) throws -> RESTBody) {
        self.encode = encode
    }

    mutating func begin(_ metadata: Metadata) -> ResponseParts {
        self.metadata = metadata
        return .none
    }

    mutating func write(_ message: [UInt8]) throws -> ResponseParts {
        body = try encode(message)
        return .none
    }

    mutating func end(_ status: Status, _ trailers: Metadata) -> ResponseParts {
        let error = CallError(status, trailers)
        if let error { body = error.restBody }
        var head = HeaderBlock([":status": String(error?.serviceError.code.rawValue ?? 200)])
        head.append(name: "content-type", value: body.contentType)
        head.appendSendable(metadata)
        head.appendSendable(error?.trailers ?? trailers)
        head.append(name: "content-length", value: String(body.bytes.count))
        return ResponseParts(head: head, body: body.bytes, end: .data)
    }
}

/// A body with its type.
struct RESTBody: Sendable, Hashable {
    var contentType: String
    var bytes: [UInt8]
}

extension CallError {
    /// The error as a document.
    var restBody: RESTBody { RESTBody(contentType: "application/json", bytes: Array(kratosJSON.text.utf8)) }
}
