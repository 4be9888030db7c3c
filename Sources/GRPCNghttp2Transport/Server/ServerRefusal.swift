package import GRPCCore
import ServiceKitHTTP2

/// The head of a request for which no call has been made yet.
package struct ServerCallHead: Sendable {
    /// The path of a method that there is, `/package.Service/Method`.
    package let path: String
    /// The caller's address.
    package let peer: String
    private let fields: HeaderBlock

    init(path: String, peer: String, fields: HeaderBlock) {
        self.path = path
        self.peer = peer
        self.fields = fields
    }

    /// The first text of a header, by its name in lower case. Fields of the transport are none, as in a call's metadata.
    package func text(of name: String) -> String? {
        name.withBytes { wanted in
            if HeaderName.isReserved(wanted) || wanted.hasSuffix("-bin") { return nil }
            var text: String?
            fields.forEach { name, value in
                guard text == nil, name.isSame(as: wanted) else { return }
                text = String(decoding: value, as: UTF8.self)
            }
            return text
        }
    }

    /// The time that the caller gives the call, `grpc-timeout`; `nil` if there is none that can be read.
    package var timeout: Duration? {
        var timeout: Duration?
        fields.forEach { name, value in
            if name.equals("grpc-timeout") { timeout = GRPCTimeout(value)?.duration }
        }
        return timeout
    }
}

/// The answer to calls that are refused by their heads: it is put together once.
package final class ServerRefusal: Sendable {
    let status: Status
    let trailers: Metadata
    let fields: PreparedFields

    package init(_ status: Status, _ trailers: Metadata) {
        self.status = status
        self.trailers = trailers
        fields = PreparedFields(.trailers(status, trailers, maxBytes: .max))
    }

    /// Answers the request of a stream that opens.
    func answer(_ stream: HTTP2Stream) {
        if fields.listSize <= stream.maxHeaderListBytes { return stream.respondEarly(with: fields) }
        let head = HeaderBlock.trailers(status, trailers, maxBytes: stream.maxHeaderListBytes)
        // A stream that was opened just now takes a header block, unless it is gone already.
        try? stream.send(head: head, prefix: .common, endStream: true)
    }
}

/// The fields by which a request is a call of gRPC.
struct CallFields {
    private var isPost = false
    private var isGRPC = false
    private var takesTrailers = false

    /// Whether they are as gRPC wants them.
    var areRight: Bool { isPost && isGRPC && takesTrailers }

    mutating func note(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>) {
        // By length, so that most names are told apart without being read.
        switch name.count {
        case 2 where name.equals("te"): takesTrailers = value.equalsIgnoringCase("trailers")
        case 7 where name.equals(":method"): isPost = value.equals("POST")
        case 12 where name.equals("content-type"): isGRPC = RequestHead.isGRPC(value)
        default: break
        }
    }
}
