/// The address that a server listens on, as configuration writes it: `0.0.0.0:9000`, `[::]:9000`, `:9000` for every
/// interface, `127.0.0.1:0` for a free port, `unix:/run/user-service.sock`.
public enum ListenAddress: Hashable, Sendable {
    /// A TCP port of a host's address; port 0 is any free one.
    case tcp(host: String, port: Int)
    /// A Unix domain socket.
    case unix(path: String)

    /// Whether it is reached from this machine only.
    package var isLocal: Bool {
        switch self {
        case .tcp(let host, _): HostAddress.isLoopback(host)
        case .unix: true
        }
    }
}

extension ListenAddress: LosslessStringConvertible {
    /// Reads the form that configuration uses; anything else gives `nil`.
    public init?(_ description: String) {
        if description.hasPrefix("unix:") {
            let path = description.dropFirst("unix:".count)
            if path.isEmpty { return nil }
            self = .unix(path: String(path))
            return
        }
        guard let colon = description.lastIndex(of: ":"),
            let port = Int(digits: description[description.index(after: colon)...]), (0...65535).contains(port)
        else { return nil }
        var host = description[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard host.contains(":"), !host.contains(where: { "[]/".contains($0) || $0.isWhitespace }) else {
                return nil
            }
        } else if host.contains(where: { ":[]/".contains($0) || $0.isWhitespace }) {
            return nil
        }
        self = .tcp(host: host.isEmpty ? "0.0.0.0" : String(host), port: port)
    }

    /// The form that configuration uses.
    public var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}

extension ListenAddress: Codable {
    /// Decodes the text form.
    ///
    /// - Throws: `DecodingError` when it is something else.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let address = ListenAddress(text) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription:
                    "\"\(text)\" is no address to listen on; write host:port as in 0.0.0.0:9000, or unix:/path"
            )
        }
        self = address
    }

    /// Encodes the text form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
