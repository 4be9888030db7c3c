import GRPCCore
import GRPCNghttp2Transport
import HTTPTypes
import ServiceKitConfig
import ServiceKitHTTP2

/// The head of a request, as the protocols of this module read it.
struct RequestFields: Sendable {
    private(set) var method = ""
    /// The path, without the query.
    private(set) var path = ""
    private(set) var query = ""
    /// The media type of the body in lower case, without its parameters.
    private(set) var contentType = ""
    /// The parameters of the media type, with the semicolon before them.
    private(set) var contentTypeParameters = ""
    private(set) var contentEncoding = ""
    private(set) var contentLength: Int?
    private(set) var accept = ""
    private(set) var acceptEncoding = ""
    private(set) var connectEncoding = ""
    private(set) var grpcEncoding = ""
    private(set) var origin: String?
    /// The host and port that the request names.
    private(set) var authority = ""
    /// The headers `host` beside the authority.
    private var hosts: [String] = []
    /// The key and the version of a handshake of WebSocket.
    private(set) var webSocketKey = ""
    private(set) var webSocketVersion = ""
    /// The method that a browser asks for, in a preflight request of CORS.
    private(set) var requestedMethod: String?
    private(set) var requestedFields = ""
    /// The headers for a handler.
    private(set) var metadata = Metadata()
    /// The time that the caller gives the call.
    private(set) var timeout: Duration?

    /// Reads a head.
    ///
    /// - Throws: `RPCError` if a header cannot be read.
    // No initialiser: it would copy the fields out of the closure.
    mutating func read(_ block: HeaderBlock) throws(RPCError) {
        try block.forEach { name, value throws(RPCError) in
            try add(name, value)
        }
    }

    private mutating func add(
        _ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>
    ) throws(RPCError) {
        func text() -> String { String(decoding: value, as: UTF8.self) }
        switch name.count {
        case 4 where name.equals("host"):
            // Only of HTTP/2: over HTTP/1.1 it is the authority.
            hosts.append(text())
        case 5 where name.equals(":path"):
            let end = value.firstIndex(of: UInt8(ascii: "?")) ?? value.endIndex
            path = String(decoding: value[..<end], as: UTF8.self)
            if end < value.endIndex { query = String(decoding: value[(end + 1)...], as: UTF8.self) }
        case 7 where name.equals(":method"):
            method = text()
        case 6 where name.equals("accept"):
            accept = text()
        case 6 where name.equals("origin"):
            origin = text()
        case 10 where name.equals(":authority"):
            authority = text()
        case 17 where name.equals("sec-websocket-key"):
            // Two keys are none.
            webSocketKey = webSocketKey.isEmpty ? text() : " "
        case 21 where name.equals("sec-websocket-version"):
            webSocketVersion = text()
        case 22 where name.equals("sec-websocket-protocol"), 24 where name.equals("sec-websocket-extensions"):
            break
        case 12 where name.equals("content-type"):
            let end = value.firstIndex(of: UInt8(ascii: ";")) ?? value.endIndex
            contentType = String(decoding: UnsafeBufferPointer(rebasing: value[..<end]).trimmed, as: UTF8.self)
                .lowercased()
            contentTypeParameters = String(decoding: value[end...], as: UTF8.self)
        case 12 where name.equals("grpc-timeout"):
            guard let limit = GRPCTimeout(value) else { throw Self.unreadable("grpc-timeout", text()) }
            limitTime(limit.duration)
        case 13 where name.equals("grpc-encoding"):
            grpcEncoding = text()
        case 14 where name.equals("content-length"):
            contentLength = value.digits
        case 15 where name.equals("accept-encoding"):
            acceptEncoding = text()
        case 16 where name.equals("content-encoding"):
            contentEncoding = text()
        case 17 where name.equals("x-request-timeout"):
            guard let limit = Duration(configurationText: text()), limit >= .zero else {
                throw Self.unreadable("x-request-timeout", text())
            }
            limitTime(limit)
        case 18 where name.equals("connect-timeout-ms"):
            guard value.count <= 10, let milliseconds = value.digits else {
                throw Self.unreadable("connect-timeout-ms", text())
            }
            limitTime(.milliseconds(milliseconds))
        case 24 where name.equals("connect-content-encoding"):
            connectEncoding = text()
        case 23 where name.equals("connect-accept-encoding"), 24 where name.equals("connect-protocol-version"),
            10 where name.equals("x-grpc-web"):
            break
        case 29 where name.equals("access-control-request-method"):
            requestedMethod = text()
        case 30 where name.equals("access-control-request-headers"):
            requestedFields = text()
        default:
            guard !HeaderName.isReserved(name) else { return }
            do throws(MetadataError) {
                try metadata.add(name: name, value: value)
            } catch {
                throw RPCError(code: .invalidArgument, message: error.description)
            }
        }
    }

    /// Checks method and host, which the rules of HTTP/2 leave to the server, and finds the host (RFC 9113, section 8.3.1).
    ///
    /// - Returns: The fault of the head; `nil` if it has none.
    mutating func faultOfHTTP2() -> String? {
        guard HTTPRequest.Method(method) != nil else { return "the method is no token" }
        if authority.isEmpty { authority = hosts.first ?? "" }
        guard hosts.allSatisfy({ $0.lowercased() == authority.lowercased() }) else {
            return "the request names several hosts"
        }
        guard HostName.isValid(authority) else { return "the header \":authority\" is no name of a host" }
        return nil
    }

    /// The shortest of several limits counts.
    private mutating func limitTime(_ limit: Duration) {
        timeout = timeout.map { min($0, limit) } ?? limit
    }

    private static func unreadable(_ name: String, _ value: String) -> RPCError {
        RPCError(code: .invalidArgument, message: "header \"\(name)\" is \"\(value.prefix(40))\", which is no time")
    }
}
