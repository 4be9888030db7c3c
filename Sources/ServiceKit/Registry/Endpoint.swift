private import ServiceKitConfig

/// The address of one server of an instance: `grpc://10.0.0.7:9000`.
///
/// The scheme names the protocol spoken there: `grpc` and `http` in clear text, `grpcs` and `https` with TLS.
/// In registries an endpoint is written as its URL. The older form `grpc://10.0.0.7:9000?isSecure=true` is read as
/// `grpcs://10.0.0.7:9000`.
public struct Endpoint: Hashable, Sendable {
    /// The protocol spoken there, lower case.
    public var scheme: String
    /// A host name, an IPv4 address, or an IPv6 address without brackets.
    public var host: String
    /// The TCP port, 1 to 65535.
    public var port: Int

    /// Creates an endpoint from its parts; nothing is checked.
    public init(scheme: String, host: String, port: Int) {
        self.scheme = scheme
        self.host = host
        self.port = port
    }

    /// Whether the endpoint speaks TLS: its scheme ends in `s`.
    public var isSecure: Bool { scheme == "grpcs" || scheme == "https" }

    /// `host:port`, with brackets around an IPv6 address.
    public var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

extension Endpoint: LosslessStringConvertible {
    /// The URL: `grpc://10.0.0.7:9000`.
    public var description: String { "\(scheme)://\(authority)" }

    /// Reads a URL of the form `scheme://host:port`; anything else gives `nil`.
    ///
    /// A path is ignored, and so is a query other than `isSecure=true`.
    public init?(_ description: String) {
        // Byte by byte, since a registry's list may hold tens of thousands.
        var rest = description.utf8[...]
        guard let colon = rest.firstIndex(of: UInt8(ascii: ":")),
            rest[colon...].starts(with: "://".utf8)
        else { return nil }
        let text = description[..<colon]
        rest = rest[rest.index(colon, offsetBy: 3)...]
        var isSecure = false
        if let question = rest.firstIndex(of: UInt8(ascii: "?")) {
            let parameters = rest[rest.index(after: question)...].split(separator: UInt8(ascii: "&"))
            isSecure = parameters.contains { $0.elementsEqual("isSecure=true".utf8) }
            rest = rest[..<question]
        }
        rest = rest.prefix { $0 != UInt8(ascii: "/") }
        guard let colon = rest.lastIndex(of: UInt8(ascii: ":")), let port = Self.port(rest[rest.index(after: colon)...])
        else { return nil }
        var host = rest[..<colon]
        let isBracketed = host.first == UInt8(ascii: "[") && host.last == UInt8(ascii: "]") && host.count > 1
        if isBracketed { host = host.dropFirst().dropLast() }
        guard Self.isScheme(text.utf8), !host.isEmpty, host.contains(UInt8(ascii: ":")) == isBracketed,
            !host.contains(where: Self.isForbiddenInHost), let host = String(host)
        else { return nil }
        var scheme = text.lowercased()
        if isSecure, !scheme.hasSuffix("s") { scheme += "s" }
        self.init(scheme: scheme, host: host, port: port)
    }

    /// Reads digits only, where `Int` takes a sign.
    private static func port(_ digits: Substring.UTF8View) -> Int? {
        guard (1...5).contains(digits.count) else { return nil }
        var port = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            port = port * 10 + Int(digit - UInt8(ascii: "0"))
        }
        return (1...65535).contains(port) ? port : nil
    }

    /// RFC 3986, section 3.1.
    private static func isScheme(_ text: Substring.UTF8View) -> Bool {
        guard let first = text.first, isLetter(first) else { return false }
        return text.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."): true
            default: isLetter(byte)
            }
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    /// Space, control characters, and the separators of a URL's parts.
    private static func isForbiddenInHost(_ byte: UInt8) -> Bool {
        switch byte {
        case 0...0x20, 0x7F, UInt8(ascii: "@"), UInt8(ascii: "["), UInt8(ascii: "]"): true
        default: false
        }
    }
}

extension Endpoint: Codable {
    /// Decodes a URL string.
    ///
    /// - Throws: `DecodingError` when the text is not `scheme://host:port`.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let endpoint = Endpoint(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: Self.refusal(of: text))
        }
        self = endpoint
    }

    /// The reason why a text is no endpoint, and the remedy; a password in the text is masked.
    package static func refusal(of text: String) -> String {
        "\"\(URLSecrets.masked(address: text))\" is no endpoint; write scheme://host:port, as in grpc://10.0.0.7:9000"
    }

    /// Encodes the URL string.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
