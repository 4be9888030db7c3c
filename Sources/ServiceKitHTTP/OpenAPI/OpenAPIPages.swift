import ServiceKit
import ServiceKitConfig
import ServiceKitHTTP2
import ServiceKitProtobuf

/// Answers `/openapi.json`, the description of the server's methods, and `/openapi`, a page that lists and calls them.
struct OpenAPIPages: Sendable {
    private let document: String
    private let title: String

    /// `nil` if the pages are not served.
    ///
    /// - Throws: `AppError` if a rule of `google.api.http` or the description of a route is wrong.
    init?(_ options: HTTPOptions, _ descriptors: DescriptorPool, for app: App) throws {
        let listen =
            try options.listen
            ?? app.configuration.decodeIfPresent(ListenAddress.self, at: "server.grpc.listen")
            ?? app.configuration.listenAddress()
        guard options.openapi.enabled ?? listen.isLocal else { return nil }
        title = options.openapi.title ?? app.instance.name
        var contents = OpenAPIOptions(
            title: title, version: app.instance.version, json: options.json.transcoderOptions,
            errors: options.errors.openAPI)
        contents.routes = app.http.described
        for service in descriptors.ownServices {
            for method in service.methods {
                let operation = "/\(service.name)/\(method.name)"
                contents.methods[operation] = options.json(of: operation).transcoderOptions
                contents.replies[operation] = app.http.describedReplies(of: operation)
            }
        }
        do throws(RoutingError) {
            document = try OpenAPIDocument(descriptors, services: descriptors.ownServices, options: contents).json.text
        } catch {
            throw AppError("\(error)")
        }
    }

    /// Answers a request for one of the pages.
    ///
    /// - Returns: Whether it is one.
    func answer(_ request: IncomingRequest) -> Bool {
        var response: PlainResponse
        switch request.fields.path {
        case "/openapi.json":
            response = PlainResponse(status: 200, contentType: "application/json", body: document)
        case "/openapi":
            let nonce = Self.nonce()
            response = PlainResponse(
                status: 200, contentType: "text/html; charset=utf-8", body: OpenAPIPage.html(title: title, nonce: nonce)
            )
            response.fields.append(name: "content-security-policy", value: Self.policy(nonce))
            response.fields.append(name: "referrer-policy", value: "no-referrer")
        default: return false
        }
        guard ["GET", "HEAD"].contains(request.fields.method) else {
            request.refuse(405, "\"\(request.fields.path)\" is read by GET", allow: "GET, HEAD")
            return true
        }
        response.fields.append(name: "cache-control", value: "no-cache")
        response.fields.append(name: "x-content-type-options", value: "nosniff")
        response.fields.append(request.extraFields)
        if request.fields.method == "HEAD" {
            // A client that has left needs no response.
            try? request.exchange.send(head: response.parts.fields, isEnd: true, isBodyNext: false)
        } else {
            response.send(to: request.exchange)
        }
        return true
    }

    /// The page runs its own script only, and talks to its own server only (https://www.w3.org/TR/CSP3/).
    private static func policy(_ nonce: String) -> String {
        "default-src 'none'; script-src 'nonce-\(nonce)'; style-src 'nonce-\(nonce)'; connect-src 'self'; "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    }

    /// 128 random bits.
    private static func nonce() -> String {
        Base64.encode((0..<16).map { _ in UInt8.random(in: .min ... .max) }[...])
    }
}

extension ErrorForm {
    /// The form in OpenAPI documents.
    fileprivate var openAPI: OpenAPIOptions.Errors {
        switch self {
        case .kratos: .kratos
        case .google: .google
        }
    }
}
