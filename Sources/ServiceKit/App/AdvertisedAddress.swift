internal import ServiceKitConfig

/// The address that the registry gives others for a server: a host, and a port if it is not the port listened on.
struct AdvertisedAddress: Hashable, Sendable, CustomStringConvertible {
    let description: String
    let host: String
    let port: Int?

    /// Reads `users.example.com`, `10.0.0.7:9000`, `2001:db8::1` or `[2001:db8::1]:9000`. Throws `ConfigurationError`
    /// without a place when the text is something else, or a wildcard.
    init(_ text: String) throws(ConfigurationError) {
        let isPlain = !text.contains { "/?#".contains($0) }
        if HostAddress.isIPAddress(text) {
            // An IPv6 address has brackets only before a port.
            (host, port) = (text, nil)
        } else if isPlain, let endpoint = Endpoint("grpc://\(text)") {
            (host, port) = (endpoint.host, endpoint.port)
        } else if isPlain, let endpoint = Endpoint("grpc://\(text):1") {
            (host, port) = (endpoint.host, nil)
        } else {
            throw ConfigurationError(
                message: "\"\(text)\" is neither a host nor host:port; write it as in 10.0.0.7 or 10.0.0.7:9000"
            )
        }
        if HostAddress.isWildcard(host) {
            throw ConfigurationError(
                message: "nobody can connect to \(text); write an address of this machine or a host name"
            )
        }
        description = text
    }

    /// The address in the place of the host, and of the port if it has one.
    func replacing(_ endpoint: Endpoint) -> Endpoint {
        Endpoint(scheme: endpoint.scheme, host: host, port: port ?? endpoint.port)
    }
}

extension AdvertisedAddress: Codable {
    init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
