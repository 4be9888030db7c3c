import ServiceKitHTTP2

/// The answers to browsers about pages of other sites (https://fetch.spec.whatwg.org/#http-cors-protocol).
struct CORS: Sendable {
    /// The headers that the protocols' clients have to read.
    private static let protocolHeaders = ["grpc-status", "grpc-message", "grpc-status-details-bin"]
    private static let methods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

    private let options: CORSOptions
    private let origins: Set<String>
    private let exposed: String

    /// `nil` if no origin may call.
    init?(_ options: CORSOptions) {
        guard !options.origins.isEmpty else { return nil }
        self.options = options
        origins = Set(options.origins)
        exposed = (Self.protocolHeaders + options.exposedHeaders).joined(separator: ", ")
    }

    /// Whether pages of an origin may call.
    func allows(_ origin: String) -> Bool { origins.contains("*") || origins.contains(origin) }

    /// Whether browsers may send cookies and other credentials.
    var allowsCookies: Bool { options.cookies }

    /// The fields of a response to a page.
    ///
    /// - Parameter origin: The page's origin.
    func fields(for origin: String) -> HeaderBlock {
        var fields = allowance(for: origin)
        if fields.count > 1 { fields.append(name: "access-control-expose-headers", value: exposed) }
        return fields
    }

    /// The fields of a response to a request that names no page; a cache may give it to pages later.
    var fieldsWithoutOrigin: HeaderBlock {
        origins.contains("*") ? HeaderBlock() : HeaderBlock(["vary": "origin"])
    }

    /// The answer to a preflight request.
    ///
    /// - Parameters:
    ///   - origin: The page's origin.
    ///   - headers: The headers that the page wants to send.
    func preflight(for origin: String, headers: String) -> HeaderBlock {
        var fields = allowance(for: origin)
        guard fields.count > 1 else { return fields }
        fields.append(name: "access-control-allow-methods", value: Self.methods)
        if !headers.isEmpty { fields.append(name: "access-control-allow-headers", value: headers) }
        fields.append(name: "access-control-max-age", value: String(options.maxAge.components.seconds))
        return fields
    }

    /// Whether a page may call. One field, `vary`, if it may not: caches must not give it the answer to another.
    private func allowance(for origin: String) -> HeaderBlock {
        var fields = HeaderBlock(["vary": "origin"])
        guard allows(origin) else { return fields }
        let allowed = origins.contains("*") ? "*" : origin
        fields.append(name: "access-control-allow-origin", value: allowed)
        if options.cookies { fields.append(name: "access-control-allow-credentials", value: "true") }
        return fields
    }
}
