/// The end of a WebSocket (RFC 6455, section 7.4).
package struct WebSocketClose: Sendable, Hashable {
    package struct Code: RawRepresentable, Hashable, Sendable {
        package let rawValue: UInt16

        package init(rawValue: UInt16) {
            self.rawValue = rawValue
        }

        /// All went well.
        package static let normal = Self(rawValue: 1000)
        /// This side, or a page, goes away.
        package static let goingAway = Self(rawValue: 1001)
        package static let protocolError = Self(rawValue: 1002)
        /// A text is not UTF-8.
        package static let invalidText = Self(rawValue: 1007)
        /// The peer did what it may not do.
        package static let policyViolation = Self(rawValue: 1008)
        package static let messageTooLarge = Self(rawValue: 1009)
        package static let serverError = Self(rawValue: 1011)

        /// Whether a peer may send the code (RFC 6455, section 7.4.1 and 7.4.2, with IANA's registry).
        var isAllowed: Bool {
            switch rawValue {
            case 1000...1003, 1007...1014, 3000...4999: true
            default: false
            }
        }
    }

    /// The longest reason, in bytes: a control frame has 125, and the code takes two.
    private static let maxReasonBytes = 123
    private static let (codeField, reasonField) = ("close-code", "close-reason")

    package var code: Code
    package var reason: String

    package init(_ code: Code, _ reason: String = "") {
        self.code = code
        self.reason = reason
    }

    // MARK: - As the end of an exchange

    /// The end of an exchange that closes the WebSocket like this. The end of a body alone closes it as normal.
    package var end: StreamEnd {
        .trailers(HeaderBlock([Self.codeField: String(code.rawValue), Self.reasonField: reason]))
    }

    /// The end that an exchange has been given; `nil` if it tells nothing about the WebSocket.
    init?(_ end: StreamEnd) {
        guard case .trailers(let block) = end else { return nil }
        var (code, reason) = (UInt16?.none, "")
        block.forEach { name, value in
            let text = String(decoding: value, as: UTF8.self)
            switch String(decoding: name, as: UTF8.self) {
            case Self.codeField: code = UInt16(text)
            case Self.reasonField: reason = text
            default: break
            }
        }
        guard let code else { return nil }
        self.init(Code(rawValue: code), reason)
    }

    // MARK: - As the payload of a frame

    var payload: [UInt8] {
        var text = reason[...]
        while text.utf8.count > Self.maxReasonBytes { text.removeLast() }
        return [UInt8(code.rawValue >> 8), UInt8(code.rawValue & 0xff)] + text.utf8
    }

    /// Reads the payload of a peer's frame. No payload is the normal end.
    ///
    /// - Throws: The close that the peer is to get, if the payload is wrong.
    init(payload: some Collection<UInt8>) throws(WebSocketFailure) {
        guard !payload.isEmpty else {
            self.init(.normal)
            return
        }
        guard payload.count >= 2 else { throw WebSocketFailure(.protocolError, "a Close has half a code") }
        let code = Code(rawValue: payload.prefix(2).reduce(0) { $0 << 8 | UInt16($1) })
        guard code.isAllowed else {
            throw WebSocketFailure(.protocolError, "a Close has the code \(code.rawValue), which may not be sent")
        }
        guard let reason = String(validating: payload.dropFirst(2), as: UTF8.self) else {
            throw WebSocketFailure(.invalidText, "the reason of a Close is not UTF-8")
        }
        self.init(code, reason)
    }
}

/// A peer does not keep to the protocol, or to a bound. The WebSocket is closed like this.
struct WebSocketFailure: Error, Hashable {
    let close: WebSocketClose

    init(_ code: WebSocketClose.Code, _ reason: String) {
        close = WebSocketClose(code, reason)
    }
}
