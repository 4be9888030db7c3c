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
    /// - Throws: `invalidArgument`.
    public init(_ text: String) throws(EtcdError) {
        let pattern = /(?:(https?):\/\/)?(?:\[([^\s\/@?#\]]*:[^\s\/@?#\]]*)\]|([^\s\/@?#:\[\]]+))(?::([0-9]+))?\/?/
        guard let (_, scheme, ipv6, name, port) = text.wholeMatch(of: pattern)?.output, let host = ipv6 ?? name,
            let number = port.map({ Int($0) }) ?? Self.defaultPort, (1...65535).contains(number)
        else { throw Self.refusal(of: text) }
        self.init(host: String(host), port: number, isSecure: scheme == "https")
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
        let start = text.firstRange(of: "://")?.upperBound ?? text.startIndex
        guard let at = text.lastIndex(of: "@"), start < at, let colon = text[start..<at].firstIndex(of: ":") else {
            return text
        }
        return text[...colon] + "***" + text[at...]
    }

    /// The transport's address of the endpoint.
    package var address: TransportAddress { TransportAddress(host: host, port: port) }
}

extension EtcdEndpoint: CustomStringConvertible {
    /// The URL.
    public var description: String {
        "\(isSecure ? "https" : "http")://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }
}
