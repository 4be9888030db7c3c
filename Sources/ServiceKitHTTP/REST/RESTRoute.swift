import GRPCCore
import GRPCNghttp2Transport
import ServiceKitProtobuf

/// A method at a path of its own, by `google.api.http`.
struct RESTRoute: Sendable {
    /// The path of the method, `/package.Service/Method`.
    let operation: String
    let type: MethodType
    let binding: RequestBinding

    /// The full name of a message whose bytes are a body of any type.
    static let httpBody = "google.api.HttpBody"

    /// The form of its responses.
    let form: RESTForm
}

extension RESTBody {
    /// The body that a field of a message holds, which is a `google.api.HttpBody`.
    init(httpBody field: Int32, of message: [UInt8]) throws {
        var content: [UInt8] = []
        var reader = WireReader(message[...])
        while !reader.isAtEnd {
            switch try reader.tag() {
            // Messages one after the other are one message.
            case (field, .delimited): content += try reader.delimited()
            case (let number, let type): try reader.skip(type, number: number, depth: 10)
            }
        }
        try self.init(httpBody: content)
    }

    /// The body that a `google.api.HttpBody` holds.
    init(httpBody message: [UInt8]) throws {
        self.init(contentType: "application/octet-stream", bytes: [])
        var reader = WireReader(message[...])
        while !reader.isAtEnd {
            switch try reader.tag() {
            case (1, .delimited): contentType = String(decoding: try reader.delimited(), as: UTF8.self)
            case (2, .delimited): bytes = Array(try reader.delimited())
            case (let number, let type): try reader.skip(type, number: number, depth: 10)
            }
        }
    }

    /// The body as a `google.api.HttpBody`, in the wire format.
    var httpBody: [UInt8] {
        var writer = WireWriter()
        writer.tag(1, .delimited)
        writer.delimited(contentType.utf8)
        writer.tag(2, .delimited)
        writer.delimited(bytes)
        return writer.bytes
    }
}

/// Makes messages of the bodies of one request: each with the values of the request's query and path.
struct RESTMessages: Sendable {
    private let route: RESTRoute
    private let values: [Range<Int>]
    private let path: [UInt8]
    private let query: [UInt8]
    /// The media type of a body whose bytes are a field.
    private let contentType: String

    /// `values` are the places of the variables' values in the path.
    init(_ route: RESTRoute, _ values: [Range<Int>], _ fields: RequestFields) {
        self.route = route
        self.values = values
        path = Array(fields.path.utf8)
        query = Array(fields.query.utf8)
        let isRaw = route.type.input == RESTRoute.httpBody || route.binding.rawField != nil
        contentType = isRaw ? fields.contentType + fields.contentTypeParameters : ""
    }

    /// The message of a body, in the wire format.
    ///
    /// - Throws: `RPCError` that names the field.
    func message(_ body: [UInt8]) throws -> [UInt8] {
        if route.type.input == RESTRoute.httpBody {
            return RESTBody(contentType: contentType, bytes: body).httpBody
        }
        var message: [UInt8] = []
        if let field = route.binding.rawField, !body.isEmpty || !contentType.isEmpty {
            var writer = WireWriter()
            writer.tag(field, .delimited)
            writer.delimited(RESTBody(contentType: contentType, bytes: body).httpBody)
            message = writer.bytes
        }
        do throws(JSONError) {
            try body.withUnsafeBufferPointer { body throws(JSONError) in
                try path.withUnsafeBufferPointer { path throws(JSONError) in
                    try query.withUnsafeBufferPointer { query throws(JSONError) in
                        try route.binding.message(
                            body: UnsafeRawBufferPointer(body), path: path, values: values, query: query,
                            into: &message)
                    }
                }
            }
        } catch {
            throw RPCError(code: .invalidArgument, message: "the request cannot be read: \(error)")
        }
        return message
    }

    /// The message of a body that is one already, in the wire format.
    ///
    /// - Throws: `RPCError` that names the field.
    func message(wire body: [UInt8]) throws -> [UInt8] {
        if route.type.input == RESTRoute.httpBody || route.binding.rawField != nil { return try message(body) }
        guard route.binding.takesWholeMessage else {
            throw RPCError(
                code: .invalidArgument, message: "the body is one field of the message here, which is sent as JSON")
        }
        return body + (try message([]))
    }
}

/// Reads a request over REST: the body, the query and the path make one message.
struct RESTRequest: RequestReader {
    private let messages: RESTMessages
    private let encoding: MessageEncoding
    private let maxBytes: Int
    private var body: [UInt8] = []
    private var message: [UInt8]?

    init(_ messages: RESTMessages, encoding: MessageEncoding, maxBytes: Int) {
        self.messages = messages
        self.encoding = encoding
        self.maxBytes = maxBytes
    }

    mutating func receive(_ bytes: [UInt8]) throws {
        guard body.count + bytes.count <= maxBytes else { throw RPCError.tooLarge(limit: maxBytes) }
        if body.isEmpty { body = bytes } else { body += bytes }
    }

    mutating func finish() throws {
        let body = try encoding.decompress(body, limit: maxBytes)
        self.body = []
        message = try messages.message(body)
    }

    mutating func next() -> [UInt8]? {
        defer { message = nil }
        return message
    }
}
