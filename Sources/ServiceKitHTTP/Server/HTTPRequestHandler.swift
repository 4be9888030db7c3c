import GRPCCore
import GRPCNghttp2Transport
import NIOCore
import ServiceKitHTTP2
import ServiceKitProtobuf

/// Answers the requests of a server that are not gRPC: by REST, Connect, gRPC-Web, or as probes.
///
/// A protocol is told by method, path and content type of each request.
final class HTTPRequestHandler: RequestHandler {
    let methods: ServedMethods
    let forms: MethodForms
    private let options: HTTPOptions
    let cors: CORS?
    private let openAPI: OpenAPIPages?
    private let ownRoutes: [ServedRoute]
    private let isReady: @Sendable () -> Bool

    init(
        methods: ServedMethods,
        forms: MethodForms,
        options: HTTPOptions,
        openAPI: OpenAPIPages?,
        isReady: @escaping @Sendable () -> Bool
    ) {
        self.methods = methods
        self.forms = forms
        self.options = options
        self.openAPI = openAPI
        self.isReady = isReady
        ownRoutes = forms.routes.own.map { ServedRoute($0, by: methods) }
        cors = CORS(options.cors)
    }

    var http1: HTTP1Handler? {
        HTTP1Handler(
            idleTimeout: TimeAmount(options.idleTimeout),
            bodyTimeout: TimeAmount(options.bodyTimeout),
            refuse: { [errors = options.errors] status, reason in PlainResponse.error(status, reason, errors).parts },
            open: { self.open($0, $1) }
        )
    }

    func open(_ stream: HTTP2Stream, headers: HeaderBlock?, on connection: ServerConnection) -> (any RequestTask)? {
        guard let headers else {
            // The head is not to be read: the answer has no form that its client asks for.
            let head = HeaderBlock(status: stream.refusal == nil ? 431 : 400)
            // A client that has left needs no response.
            try? stream.send(head: head, endStream: true)
            return nil
        }
        let exchange = HTTP2Exchange(stream, on: connection)
        return open(exchange, headers, http2: exchange)
    }

    /// - Parameter http2: The exchange, if it is one of HTTP/2.
    private func open(
        _ exchange: any HTTPExchange, _ headers: HeaderBlock, http2: HTTP2Exchange? = nil
    ) -> (any RequestTask)? {
        var request = IncomingRequest(
            exchange: exchange, headers: headers, errors: options.errors, compressionOptions: options.compression)
        var fault: String?
        do throws(RPCError) {
            try request.fields.read(headers)
        } catch {
            fault = error.message
        }
        if var exchange = http2 {
            if request.fields.method == "HEAD" {
                exchange.isHeadRequest = true
                request.exchange = exchange
            }
            fault = fault ?? request.fields.faultOfHTTP2()
        }
        if let fault {
            request.refuse(400, fault)
            return nil
        }
        if let cors {
            guard let origin = request.fields.origin else {
                request.extraFields = cors.fieldsWithoutOrigin
                return open(request)
            }
            if request.fields.method == "OPTIONS", request.fields.requestedMethod != nil {
                let allowed = cors.preflight(for: origin, headers: request.fields.requestedFields)
                PlainResponse(status: 204, fields: allowed).send(to: request.exchange)
                return nil
            }
            request.extraFields = cors.fields(for: origin)
        }
        return open(request)
    }

    private func open(_ request: IncomingRequest) -> (any RequestTask)? {
        let path = request.fields.path
        switch openWebSocket(request) {
        case .opened(let call): return call
        case .answered: return nil
        case .none: break
        }
        if methods.contains(path: path) { return openMethod(request) }
        if options.probes {
            switch path {
            case "/livez": return probe(request, isUp: true)
            case "/readyz": return probe(request, isUp: isReady())
            default: break
            }
        }
        if let openAPI, openAPI.answer(request) { return nil }
        switch forms.routes.route(request.fields.method, path) {
        case .found(let match):
            switch match.target {
            case .method(let route): return openREST(request, route, match.values)
            case .route(let number): return ownRoutes[number].open(request, match)
            }
        case .methodNotAllowed(let methods):
            request.refuse(405, "\"\(path)\" has another method", allow: methods.joined(separator: ", "))
        case .notFound where path == "*" && request.fields.method == "OPTIONS":
            // For the server as a whole (RFC 9110, section 9.3.7).
            PlainResponse(status: 204, fields: request.extraFields).send(to: request.exchange)
        case .notFound:
            request.refuse(404, "there is nothing at \"\(path.prefix(200))\"")
        }
        return nil
    }

    // MARK: - REST

    private func openREST(
        _ request: IncomingRequest, _ route: RESTRoute, _ values: [Range<Int>]
    ) -> (any RequestTask)? {
        let fields = request.fields
        // Descriptors may tell of methods that nobody serves.
        guard methods.contains(path: route.operation) else {
            request.refuse(501, "the method \(route.operation) is not served")
            return nil
        }
        guard !route.type.isClientStreaming else {
            request.refuseWithoutWebSocket("the method is called by WebSocket")
            return nil
        }
        if let length = fields.contentLength, length > methods.maxMessageBytes {
            request.refuse(413, "the body is larger than \(methods.maxMessageBytes) bytes")
            return nil
        }
        if route.binding.takesJSON, route.type.input != RESTRoute.httpBody,
            !["", "application/json"].contains(fields.contentType)
        {
            request.refuse(
                415, "the content type \"\(fields.contentType.prefix(80))\" is not application/json",
                acceptPost: "application/json")
            return nil
        }
        guard let encoding = request.encoding(fields.contentEncoding) else { return nil }
        let writer: any ResponseWriter =
            route.type.isServerStreaming
            ? RESTStreamResponse(RESTStreamResponse.Format(accept: fields.accept), route.form, request.compression)
            : RESTResponse(route.form, request.compression)
        return open(
            request,
            operation: route.operation,
            reader: RESTRequest(
                RESTMessages(route, values, fields), encoding: encoding, maxBytes: methods.maxMessageBytes),
            writer: writer
        )
    }

    private func probe(_ request: IncomingRequest, isUp: Bool) -> (any RequestTask)? {
        guard ["GET", "HEAD"].contains(request.fields.method) else {
            request.refuse(405, "a probe is a GET", allow: "GET, HEAD")
            return nil
        }
        PlainResponse(status: isUp ? 200 : 503, contentType: "text/plain", body: isUp ? "ok\n" : "not ready\n")
            .send(to: request.exchange)
        return nil
    }

    /// Opens a call.
    ///
    /// - Parameter operation: The path of its method. Default: that of the request.
    func open(
        _ request: IncomingRequest, operation: String? = nil, reader: any RequestReader, writer: any ResponseWriter
    ) -> (any RequestTask)? {
        let wire = HTTPCallWire(request.exchange, reader: reader, writer: writer, extraFields: request.extraFields)
        let fields = request.fields
        return methods.open(
            wire, path: operation ?? fields.path, metadata: fields.metadata, timeout: fields.timeout)
    }
}
