import ServiceKitHTTP2
import ServiceKitProtobuf

/// A client's handshake (RFC 6455, section 4.2), and the answer to it.
struct WebSocketHandshake {
    /// Why a handshake is refused.
    struct Refusal: Error, Hashable {
        let status: Int
        let reason: String
    }

    /// The only version there is.
    static let version = "13"
    private static let keyBytes = 16
    private static let suffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

    /// The answer to the key.
    let accept: String

    init(_ fields: RequestFields, _ cors: CORS?) throws(Refusal) {
        guard fields.method == "GET" else { throw Refusal(status: 405, reason: "a WebSocket begins with GET") }
        guard fields.webSocketVersion == Self.version else {
            throw Refusal(status: 426, reason: "the only version of WebSocket is \(Self.version)")
        }
        guard Base64.decode(fields.webSocketKey)?.count == Self.keyBytes else {
            throw Refusal(status: 400, reason: "header \"Sec-WebSocket-Key\" is not 16 bytes in base64")
        }
        guard Self.isAllowed(fields, cors) else {
            let origin = fields.origin?.prefix(80) ?? ""
            throw Refusal(status: 403, reason: "pages of \"\(origin)\" may not call; see server.http.cors.origins")
        }
        accept = Self.accept(fields.webSocketKey)
    }

    static func accept(_ key: String) -> String {
        Base64.encode(SHA1.hash((key + suffix).utf8))
    }

    /// The head of the response that begins the WebSocket.
    var head: HeaderBlock { HeaderBlock([":status": "101", "sec-websocket-accept": accept]) }

    // MARK: - Origins

    /// Whether the page that calls may do so. Browsers ask nobody before they open a WebSocket to another site, and send its
    /// cookies with it. Programs other than browsers send no origin.
    private static func isAllowed(_ fields: RequestFields, _ cors: CORS?) -> Bool {
        guard let origin = fields.origin else { return true }
        return isSameHost(origin, fields) || cors?.allows(origin) == true
    }

    /// Whether a page comes from the host that the request names. The schemes may differ: a proxy may end TLS.
    static func isSameHost(_ origin: String, _ fields: RequestFields) -> Bool {
        let parts = origin.lowercased().split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        return parts.count == 3 && parts[1].isEmpty && !parts[2].isEmpty && parts[2] == fields.authority.lowercased()
    }

    /// Whether the request may have been sent with credentials that its page may not use.
    static func hasForeignCredentials(_ fields: RequestFields, _ cors: CORS?) -> Bool {
        guard let origin = fields.origin, !isSameHost(origin, fields) else { return false }
        return cors?.allowsCookies != true
    }
}
