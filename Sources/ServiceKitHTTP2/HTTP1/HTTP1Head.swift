import NIOHTTP1

/// The heads of HTTP/1.1 in HTTP/2's form, and back (RFC 9112; RFC 9113, section 8).
enum HTTP1Head {
    enum Result {
        case block(HeaderBlock)
        /// The request may not be served: with this status, for this reason.
        case refused(Int, String)
    }

    /// Room for most heads.
    private static let roomForHead = 480

    /// The fields that say how a request is to be read.
    struct Rules {
        fileprivate var host: String?
        fileprivate var hostCount = 0
        fileprivate var coding: String?
        fileprivate var codingCount = 0
        fileprivate var hasLength = false
        fileprivate var hasUpgrade = false
        /// Whether the client expects something before it sends the body.
        private(set) var hasExpectation = false

        init(_ headers: HTTPHeaders) {
            for (name, value) in headers {
                switch name.utf8.count {
                case 4 where name.isField("host"):
                    host = value
                    hostCount += 1
                case 6 where name.isField("expect"):
                    hasExpectation = true
                case 7 where name.isField("upgrade"):
                    hasUpgrade = true
                case 14 where name.isField("content-length"):
                    hasLength = true
                case 17 where name.isField("transfer-encoding"):
                    coding = value
                    codingCount += 1
                default:
                    break
                }
            }
        }
    }

    /// The head of a request in HTTP/2's form.
    static func block(_ head: HTTPRequestHead, _ rules: Rules, isSecure: Bool, limits: TransportLimits) -> Result {
        guard head.version.major == 1, head.version.minor <= 1 else {
            return .refused(505, "the version of HTTP is neither 1.0, 1.1 nor 2")
        }
        guard rules.hostCount <= 1 else { return .refused(400, "the request has several headers \"Host\"") }
        guard rules.hostCount == 1 || head.version.minor == 0 else {
            return .refused(400, "the request has no header \"Host\"")
        }
        let host = rules.host ?? ""
        guard HostName.isValid(host) else { return .refused(400, "the header \"Host\" is no name of a host") }
        if let coding = rules.coding {
            // A message of both lengths may be two requests to a proxy on the way (RFC 9112, section 6.1).
            guard !rules.hasLength else {
                return .refused(400, "the request has both \"Transfer-Encoding\" and \"Content-Length\"")
            }
            guard head.version.minor == 1, rules.codingCount == 1, coding.lowercased() == "chunked" else {
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
        for (name, value) in head.headers where !belongsToConnection(name) {
            guard !hasControl(value) else {
                return .refused(400, "the value of header \"\(name.lowercased())\" has a control character")
            }
            block.append(lowercasing: name, value: value)
        }
        guard block.listSize <= limits.maxHeaderListBytes else {
            return .refused(431, "the head of the request is larger than \(limits.maxHeaderListBytes) bytes")
        }
        return .block(block)
    }

    /// Whether a field belongs to a connection and not to a request.
    private static func belongsToConnection(_ name: String) -> Bool {
        switch name.utf8.count {
        case 2: name.isField("te")
        case 4: name.isField("host")
        case 6: name.isField("expect")
        case 7: name.isField("upgrade")
        case 10: name.isField("connection") || name.isField("keep-alive")
        case 16: name.isField("proxy-connection")
        case 17: name.isField("transfer-encoding")
        default: false
        }
    }

    private static func hasControl(_ value: String) -> Bool {
        value.withBytes { bytes in
            for byte in bytes where byte < 0x20 && byte != 0x09 || byte == 0x7f { return true }
            return false
        }
    }

    /// Whether the codec takes the request for one that changes the protocol. It then reads no request behind it.
    static func asksForUpgrade(_ head: HTTPRequestHead, _ rules: Rules) -> Bool {
        rules.hasUpgrade
            && head.headers[canonicalForm: "connection"].contains { $0.lowercased() == "upgrade" }
    }

    /// The protocol that a request without a body offers to change to, in lower case.
    ///
    /// - Parameter head: A head that ``asksForUpgrade(_:_:)``.
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

extension String {
    /// Whether this is a field's name, given in lower case.
    fileprivate func isField(_ name: StaticString) -> Bool { withBytes { $0.equalsIgnoringCase(name) } }
}
