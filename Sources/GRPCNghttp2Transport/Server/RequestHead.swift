import GRPCCore
import ServiceKitHTTP2

/// The parsed header block of a request.
struct RequestHead: ~Copyable {
    /// A request that is not gRPC, or that the server cannot take.
    struct Rejection: Error {
        /// The complete header block that answers it.
        var response: HeaderBlock
        /// The line to log, if no other code logs it.
        var reason: String?

        /// An HTTP error, for a peer that does not speak gRPC.
        static func http(status: String, _ fields: KeyValuePairs<String, String> = [:]) -> Self {
            var block = HeaderBlock([":status": status])
            for (name, value) in fields {
                block.append(name: name, value: value)
            }
            return Self(response: block)
        }

        static func grpc(_ code: Status.Code, _ message: String) -> Self {
            Self(
                response: HeaderBlock([
                    ":status": "200",
                    "content-type": "application/grpc",
                    HeaderName.status: String(code.rawValue),
                    HeaderName.message: StatusMessage.encode(message),
                ]),
                reason: message
            )
        }

        /// HTTP/2 forbids the request. The connection has logged it.
        static func refused(_ fault: String) -> Self {
            var rejection = Self.grpc(.internalError, "this server refuses the request: \(fault)")
            rejection.reason = nil
            return rejection
        }

        static func metadataTooLarge(_ limits: TransportLimits) -> Self {
            let limit = "\(limits.maxHeaderListBytes) bytes or \(limits.maxHeaderFields) fields"
            var rejection = Self.grpc(.resourceExhausted, "the request's metadata exceeds \(limit)")
            // The log of exceeded bounds has it.
            rejection.reason = nil
            return rejection
        }

        /// The client learns which encodings it may use
        /// (https://github.com/grpc/grpc/blob/master/doc/compression.md).
        static func unknownEncoding(_ value: UnsafeBufferPointer<UInt8>, readable: MessageEncodings) -> Self {
            let name = String(decoding: value, as: UTF8.self)
            var rejection = Self.grpc(
                .unimplemented, "messages compressed as \"\(name)\" cannot be read; use \(readable.acceptEncoding)"
            )
            rejection.response.append(name: HeaderName.acceptEncoding, value: "\(readable.acceptEncoding)")
            return rejection
        }
    }

    private(set) var path = ""
    /// The method that the path names, if there is one.
    private(set) var method: ServedMethods.Method?
    private(set) var metadata = Metadata()
    private(set) var timeout: Duration?
    /// How the request's messages are compressed.
    private(set) var encoding = MessageEncoding.identity
    /// The encodings that the client reads.
    private(set) var acceptedEncodings = MessageEncodings()

    /// The head of a request of another protocol than gRPC. Its messages are not compressed one by one.
    init(path: String, metadata: Metadata, timeout: Duration?) {
        self.path = path
        self.metadata = metadata
        self.timeout = timeout
        if let timeout {
            self.metadata.removeAllValues(forKey: HeaderName.timeout)
            self.metadata.addString(GRPCTimeout(timeout).wireValue, forKey: HeaderName.timeout)
        }
    }

    /// - Parameters:
    ///   - block: The fields.
    ///   - readableEncodings: The encodings that this side reads.
    ///   - find: Finds the method of a path; none by default.
    /// - Throws: The rejection that answers the request.
    init(
        _ block: HeaderBlock,
        readableEncodings: MessageEncodings,
        find: (_ path: UnsafeBufferPointer<UInt8>) -> (path: String, method: ServedMethods.Method)? = { _ in nil }
    ) throws(Rejection) {
        var isPost = false
        var isGRPC = false
        var takesTrailers = false
        try block.forEach { name, value throws(Rejection) in
            if name.equals(":path") {
                if let found = find(value) {
                    (path, method) = found
                } else {
                    path = String(decoding: value, as: UTF8.self)
                }
            } else if name.equals(":method") {
                isPost = value.equals("POST")
            } else if name.equals("te") {
                takesTrailers = value.equalsIgnoringCase("trailers")
            } else if name.equals("content-type") {
                isGRPC = Self.isGRPC(value)
            } else if name.equals("grpc-timeout") {
                try addTimeout(value)
            } else if name.equals("grpc-accept-encoding") {
                acceptedEncodings = MessageEncodings(acceptEncoding: value)
            } else if name.equals("grpc-encoding") {
                guard let encoding = MessageEncoding(value), readableEncodings.contains(encoding) else {
                    throw .unknownEncoding(value, readable: readableEncodings)
                }
                self.encoding = encoding
            } else if !HeaderName.isReserved(name) {
                do throws(MetadataError) {
                    try metadata.add(name: name, value: value)
                } catch {
                    throw .grpc(.internalError, error.description)
                }
            }
        }
        guard isPost else { throw .http(status: "405", ["allow": "POST"]) }
        guard isGRPC else { throw .http(status: "415") }
        // Without it the client, or a proxy on the way, would drop the status.
        guard takesTrailers else { throw .grpc(.invalidArgument, "the request lacks \"te: trailers\"") }
    }

    private mutating func addTimeout(_ value: UnsafeBufferPointer<UInt8>) throws(Rejection) {
        guard self.timeout == nil else { return }
        guard let timeout = GRPCTimeout(value) else {
            let text = String(decoding: value, as: UTF8.self)
            throw .grpc(
                .internalError,
                "header \"grpc-timeout\" is \"\(text)\", which is no timeout: one to eight digits and one of H M S m u n"
            )
        }
        self.timeout = timeout.duration
        // GRPCCore reads it here. It is written anew: GRPCCore cannot read some valid timeouts, or traps on them.
        metadata.addString(timeout.wireValue, forKey: HeaderName.timeout)
    }

    /// Whether a request says that it is gRPC.
    static func isGRPC(_ block: HeaderBlock) -> Bool {
        var isGRPC = false
        block.forEach { name, value in
            if name.equals("content-type") { isGRPC = Self.isGRPC(value) }
        }
        return isGRPC
    }

    /// Whether a content type, if there is one, is that of gRPC.
    static func isGRPC(_ type: String?) -> Bool { type?.withBytes { isGRPC($0) } ?? false }

    /// Whether a content type is `application/grpc`, with or without a format or parameters.
    static func isGRPC(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
        let name: StaticString = "application/grpc"
        guard UnsafeBufferPointer(rebasing: value.prefix(name.utf8CodeUnitCount)).equalsIgnoringCase(name) else {
            return false
        }
        let rest = value.dropFirst(name.utf8CodeUnitCount)
        guard let next = rest.first else { return true }
        if next == UInt8(ascii: "+") || next == UInt8(ascii: ";") { return true }
        // White space may precede the parameters (RFC 9110, section 8.3.1).
        return UnsafeBufferPointer<UInt8>.isBlank(next)
            && rest.first { !UnsafeBufferPointer<UInt8>.isBlank($0) } == UInt8(ascii: ";")
    }
}
