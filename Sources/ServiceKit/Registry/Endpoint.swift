/// Where one server of an instance is reached: `grpc://10.0.0.7:9000`.
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

    /// Whether TLS is spoken there, which is what schemes ending in `s` say.
    public var isSecure: Bool {
        scheme == "grpcs" || scheme == "https"
    }

    /// `host:port`, with brackets around an IPv6 address.
    public var authority: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

extension Endpoint: LosslessStringConvertible {
    /// The URL: `grpc://10.0.0.7:9000`.
    public var description: String {
        "\(scheme)://\(authority)"
    }

    /// Reads a URL of the form `scheme://host:port`; anything else gives `nil`.
    ///
    /// A path is ignored, and so is a query other than `isSecure=true`.
    public init?(_ description: String) {
        guard let separator = description.firstRange(of: "://") else { return nil }
        var scheme = description[..<separator.lowerBound].lowercased()
        var rest = description[separator.upperBound...]
        var isSecure = false
        if let question = rest.firstIndex(of: "?") {
            isSecure = rest[question...].dropFirst().split(separator: "&").contains("isSecure=true")
            rest = rest[..<question]
        }
        rest = rest.prefix { $0 != "/" }
        guard let colon = rest.lastIndex(of: ":"), let port = Self.port(rest[rest.index(after: colon)...]) else {
            return nil
        }
        var host = rest[..<colon]
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed { host = host.dropFirst().dropLast() }
        guard Self.isScheme(scheme), !host.isEmpty, host.contains(":") == isBracketed,
            !host.contains(where: { $0.isWhitespace || "@[]".contains($0) })
        else { return nil }
        if isSecure, !scheme.hasSuffix("s") { scheme += "s" }
        self.init(scheme: scheme, host: String(host), port: port)
    }

    /// Reads digits only, where `Int` takes a sign.
    private static func port(_ text: Substring) -> Int? {
        guard text.allSatisfy(\.isNumber), let port = Int(text), (1...65535).contains(port) else { return nil }
        return port
    }

    /// RFC 3986, section 3.1.
    private static func isScheme(_ text: String) -> Bool {
        guard let first = text.first, first.isASCII, first.isLetter else { return false }
        return text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) }
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
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "\"\(text)\" is no endpoint; write scheme://host:port, as in grpc://10.0.0.7:9000"
            )
        }
        self = endpoint
    }

    /// Encodes the URL string.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
