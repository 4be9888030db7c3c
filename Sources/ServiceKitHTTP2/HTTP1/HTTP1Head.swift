import NIOHTTP1

/// The heads of HTTP/1.1 in HTTP/2's form, and back (RFC 9112; RFC 9113, section 8).
enum HTTP1Head {
    enum Result {
        case block(HeaderBlock)
        /// The request may not be served: with this status, for this reason.
        case refused(Int, String)
    }

    /// The fields that belong to a connection and not to a request.
    private static let connectionFields: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "expect", "host", "te",
    ]

    /// Room for most heads.
    private static let roomForHead = 480

    /// The head of a request in HTTP/2's form.
    static func block(_ head: HTTPRequestHead, isSecure: Bool, limits: TransportLimits) -> Result {
        guard head.version.major == 1, head.version.minor <= 1 else {
            return .refused(505, "the version of HTTP is neither 1.0, 1.1 nor 2")
        }
        let hosts = head.headers["host"]
        guard hosts.count <= 1 else { return .refused(400, "the request has several headers \"Host\"") }
        guard !hosts.isEmpty || head.version.minor == 0 else {
            return .refused(400, "the request has no header \"Host\"")
        }
        let host = hosts.first ?? ""
        guard HostName.isValid(host) else { return .refused(400, "the header \"Host\" is no name of a host") }
        let codings = head.headers["transfer-encoding"]
        if !codings.isEmpty {
            // A message of both lengths may be two requests to a proxy on the way (RFC 9112, section 6.1).
            guard !head.headers.contains(name: "content-length") else {
                return .refused(400, "the request has both \"Transfer-Encoding\" and \"Content-Length\"")
            }
            guard head.version.minor == 1, codings.count == 1, codings[0].lowercased() == "chunked" else {
                return .refused(501, "the only transfer encoding that is understood is chunked, of HTTP/1.1")
            }
        }
        // The codec reads no request behind one for a tunnel.
        guard head.method != .CONNECT else { return .refused(501, "the server makes no tunnels") }
        guard let target = RequestTarget(head.uri, head.method, host: host) else {
            return .refused(400, "the target of the request is neither a path, a URL nor \"*\" of OPTIONS")
        }
        var block = HeaderBlock(capacity: roomForHead)
        block.append(name: ":method", value: head.method.rawValue)
        block.append(name: ":scheme", value: isSecure ? "https" : "http")
        block.append(name: ":path", value: target.path)
        block.append(name: ":authority", value: target.authority)
        for (name, value) in head.headers {
            let name = name.lowercased()
            guard !connectionFields.contains(name) else { continue }
            guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }) else {
                return .refused(400, "the value of header \"\(name)\" has a control character")
            }
            block.append(name: name, value: value)
        }
        guard block.listSize <= limits.maxHeaderListBytes else {
            return .refused(431, "the head of the request is larger than \(limits.maxHeaderListBytes) bytes")
        }
        return .block(block)
    }

    /// Whether the codec takes the request for one that changes the protocol. It then reads no request behind it.
    static func asksForUpgrade(_ head: HTTPRequestHead) -> Bool {
        head.headers.contains(name: "upgrade")
            && head.headers[canonicalForm: "connection"].contains { $0.lowercased() == "upgrade" }
    }

    /// The protocol that a request without a body offers to change to, in lower case.
    ///
    /// - Parameter head: A head that ``asksForUpgrade(_:)``.
    static func offeredUpgrade(_ head: HTTPRequestHead) -> String? {
        guard head.version == .http1_1, !head.headers.contains(name: "transfer-encoding"),
            head.headers["content-length"].allSatisfy({ $0 == "0" })
        else { return nil }
        return head.headers[canonicalForm: "upgrade"].first?.lowercased()
    }

    /// Whether a head is that of a response 101.
    static func isSwitching(_ block: HeaderBlock) -> Bool {
        var isSwitching = false
        block.forEach { name, value in
            if name.equals(":status") { isSwitching = value.digits == 101 }
        }
        return isSwitching
    }
}
