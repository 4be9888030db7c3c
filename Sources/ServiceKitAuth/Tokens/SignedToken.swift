internal import ServiceKitProtobuf

/// A token in its compact form (RFC 7515, section 7.1), whose signature nobody has checked yet.
struct SignedToken {
    let algorithm: String
    /// The id of the key, if the token names one.
    let keyID: String?
    /// The header and the payload, as they are signed.
    let signed: [UInt8]
    let signature: [UInt8]
    private let payload: Substring

    /// Reads the header of a token.
    ///
    /// - Parameters:
    ///   - text: The token.
    ///   - maxBytes: Its largest size.
    /// - Throws: ``AuthFailure`` when the text is no token.
    init(_ text: Substring, maxBytes: Int) throws(AuthFailure) {
        guard text.utf8.count <= maxBytes else { throw .tooLarge }
        let parts = text.split(separator: ".", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 3, let signature = Self.decode(parts[2]), let header = Self.object(parts[0]),
            case .string(let algorithm) = header["alg"]
        else { throw .malformed }
        // RFC 7515, section 4.1.11: no extension is understood here.
        if header["crit"] != nil { throw .malformed }
        switch header["kid"] {
        case nil: keyID = nil
        case .string(let id): keyID = id
        default: throw .malformed
        }
        self.algorithm = algorithm
        self.signature = signature
        signed = Array(text.utf8.prefix(parts[0].utf8.count + 1 + parts[1].utf8.count))
        payload = parts[1]
    }

    /// The claims, to be read when the signature is known to be right.
    ///
    /// - Throws: ``AuthFailure`` when they are no JSON object, nested too deep, or have a name twice (RFC 8725, section 3.12).
    func claims() throws(AuthFailure) -> [String: JSONValue] {
        guard let claims = Self.object(payload) else { throw .malformed }
        return claims
    }

    private static func object(_ part: Substring) -> [String: JSONValue]? {
        guard let bytes = decode(part), let text = String(validating: bytes, as: UTF8.self),
            case .object(let members)? = try? JSONParser.parse(text)
        else { return nil }
        return Dictionary(members.map { ($0.name, $0.value) }) { first, _ in first }
    }

    /// Decodes base64url without padding, the only form that tokens have (RFC 7515, section 2).
    private static func decode(_ part: Substring) -> [UInt8]? {
        let isBase64URL = part.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        return isBase64URL ? Base64.decode(String(part)) : nil
    }
}
