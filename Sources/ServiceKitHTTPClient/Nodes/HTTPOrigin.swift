internal import FoundationEssentials
internal import Logging
internal import ServiceKit
internal import ServiceKitConfig

/// A server that a URL names: `https://api.example.com/v2`.
struct HTTPOrigin {
    /// The name by which the configuration knows the server: its host.
    let name: String
    /// The path that comes before those of the calls: `/v2`.
    let path: String
    private let endpoint: Endpoint

    /// Reads a URL.
    ///
    /// - Returns: `nil` for a text that is no URL of HTTP, but may be the name of a service.
    /// - Throws: `AppError` for a URL that cannot be called.
    init?(_ text: String) throws(AppError) {
        guard let separator = text.firstRange(of: "://") else { return nil }
        let scheme = text[..<separator.lowerBound].lowercased()
        guard ["http", "https"].contains(scheme) else { return nil }
        guard let url = URL(string: text), let host = url.host(percentEncoded: false), !host.isEmpty,
            url.user == nil, url.query == nil, url.fragment == nil
        else {
            throw AppError(
                "\"\(URLSecrets.masked(address: text))\" is no URL of a server; write scheme, host, port and path alone, "
                    + "as in https://api.example.com/v2")
        }
        let path = url.path(percentEncoded: true)
        self.init(
            Endpoint(scheme: scheme, host: host, port: url.port ?? (scheme == "https" ? 443 : 80)),
            path: path.hasSuffix("/") ? String(path.dropLast()) : path
        )
    }

    init(_ endpoint: Endpoint, path: String) {
        self.endpoint = endpoint
        self.path = path
        // An IPv6 address has colons, which no name of a service has.
        name = String(endpoint.host.map { $0 == ":" ? "-" : $0 })
    }

    /// Finds the server.
    func discoverer(_ logger: Logger) throws -> any Discoverer {
        try StaticRegistry(services: [name: [endpoint]], logger: logger)
    }
}
