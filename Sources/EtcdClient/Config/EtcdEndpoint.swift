package import GRPCNghttp2Transport

/// The address at which a member of an etcd cluster serves clients.
public struct EtcdEndpoint: Sendable, Hashable {
    /// etcd's own default port.
    public static let defaultPort = 2379

    /// Whether the client uses TLS.
    public var isSecure: Bool
    /// The host: a name or an address. An IPv6 address has no brackets here.
    public var host: String
    /// The TCP port.
    public var port: Int

    /// Creates an endpoint.
    public init(host: String, port: Int = defaultPort, isSecure: Bool = false) {
        self.host = host
        self.port = port
        self.isSecure = isSecure
    }

    /// Reads an endpoint in etcd's notation: `http://host:port`, `https://host:port` or `host:port`. The port is
    /// optional. An IPv6 address needs brackets.
    ///
    /// - Throws: ``EtcdError`` with code ``EtcdError/Code/invalidArgument``.
    public init(_ text: String) throws(EtcdError) {
        var rest = Substring(text)
        var isSecure = false
        if let separator = rest.range(of: "://") {
            switch rest[..<separator.lowerBound] {
            case "http": isSecure = false
            case "https": isSecure = true
            default: throw Self.refusal(of: text)
            }
            rest = rest[separator.upperBound...]
        }
        if rest.hasSuffix("/") { rest = rest.dropLast() }

        let host: Substring
        var port: Substring?
        if rest.hasPrefix("[") {
            guard let bracket = rest.firstIndex(of: "]") else { throw Self.refusal(of: text) }
            host = rest[rest.index(after: rest.startIndex)..<bracket]
            let tail = rest[rest.index(after: bracket)...]
            guard tail.isEmpty || tail.hasPrefix(":") else { throw Self.refusal(of: text) }
            port = tail.isEmpty ? nil : tail.dropFirst()
            guard host.contains(":") else { throw Self.refusal(of: text) }
        } else {
            let parts = rest.split(separator: ":", omittingEmptySubsequences: false)
            guard (1...2).contains(parts.count) else { throw Self.refusal(of: text) }
            host = parts[0]
            port = parts.count == 2 ? parts[1] : nil
        }
        guard !host.isEmpty, !host.contains(where: { $0.isWhitespace || "/@?#".contains($0) }) else {
            throw Self.refusal(of: text)
        }
        var number = Self.defaultPort
        if let port {
            guard let given = Int(port), port.allSatisfy(\.isNumber), (1...65535).contains(given) else {
                throw Self.refusal(of: text)
            }
            number = given
        }
        self.init(host: String(host), port: number, isSecure: isSecure)
    }

    private static func refusal(of text: String) -> EtcdError {
        EtcdError(
            code: .invalidArgument,
            message:
                "\"\(withoutPassword(text))\" is not an etcd endpoint; write http://host:port or https://host:port, as "
                + "in http://127.0.0.1:2379" + (text.contains("@") ? ", and give user and password apart from it" : "")
        )
    }

    /// An address without its password, for errors.
    private static func withoutPassword(_ text: String) -> String {
        let start = text[...].range(of: "://")?.upperBound ?? text.startIndex
        guard let at = text.lastIndex(of: "@"), start < at, let colon = text[start..<at].firstIndex(of: ":") else {
            return text
        }
        return text[...colon] + "***" + text[at...]
    }

    /// The transport's address of the endpoint.
    package var address: TransportAddress {
        if host.contains(":") { return .ipv6(host: host, port: port) }
        let isIPv4 = host.split(separator: ".").count == 4 && host.allSatisfy { $0.isNumber || $0 == "." }
        return isIPv4 ? .ipv4(host: host, port: port) : .dns(host: host, port: port)
    }
}

extension EtcdEndpoint: CustomStringConvertible {
    /// The URL.
    public var description: String {
        "\(isSecure ? "https" : "http")://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }
}

extension Substring {
    /// The range of the first occurrence of a text.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
