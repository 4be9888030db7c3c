import GRPCCore
import GRPCNghttp2Transport
import HTTPTypes
import ServiceKit
import ServiceKitHTTP2
import ServiceKitProtobuf

/// A route that belongs to no method, as a server serves it.
final class ServedRoute: Sendable {
    private let handler: HTTPRoutes.Handler
    private let operation: ServedMethods.Operation
    private let methods: ServedMethods

    /// - Parameter methods: Run the requests as they run calls.
    init(_ route: OwnRoute, by methods: ServedMethods) {
        handler = route.handler
        operation = methods.operation(route.operation, path: route.operationPath)
        self.methods = methods
    }

    /// Opens a request of the route.
    ///
    /// - Parameters:
    ///   - request: The request.
    ///   - match: The places of the path's variables.
    /// - Returns: The request, to be started; `nil` if it is answered.
    func open(_ request: IncomingRequest, _ match: PathRouter<HTTPTarget>.Match) -> (any RequestTask)? {
        guard let parameters = match.parameters(of: request.fields.path) else {
            request.refuse(400, "the escapes in the path \"\(request.fields.path)\" are not complete")
            return nil
        }
        let answer = RouteAnswer()
        let wire = HTTPCallWire(
            request.exchange,
            reader: RawBody(),
            writer: RouteWriter(answer, to: request),
            extraFields: request.extraFields
        )
        let handler = handler
        let headers = request.headers
        let query = request.fields.query
        let direct = DirectHandler { call in
            let body = RequestBody { try await call.nextMessage() }
            let response = try await handler(
                RouteRequest(headers: headers, parameters: parameters, query: query, peer: call.peer, body: body))
            // The caller of a call that was cancelled gets that error, whatever the handler has made of it.
            try Task.checkCancellation()
            answer.response = response
            switch response.body.content {
            case .bytes(let bytes):
                try call.reply(bytes)
            case .stream(_, let write):
                try call.sendHead([:])
                try await write(ResponseBodyWriter { try await call.send($0) })
            }
            return [:]
        }
        return methods.open(
            wire, operation, metadata: request.fields.metadata, timeout: request.fields.timeout, handler: direct)
    }
}

extension PathRouter.Match {
    /// The variables of a path by name, unescaped; `nil` if their escapes are not complete.
    func parameters(of path: String) -> [String: String]? {
        guard !values.isEmpty else { return [:] }
        var path = path
        return path.withUTF8 { bytes in
            var parameters: [String: String] = [:]
            for (variable, range) in zip(template.variables, values) {
                var text: [UInt8] = []
                let value = UnsafeBufferPointer(rebasing: bytes[range])
                let part: PercentDecoding.Part = variable.isMultiple ? .segments : .segment
                guard PercentDecoding.decode(value, part, into: &text) else { return nil }
                parameters[variable.name] = String(decoding: text, as: UTF8.self)
            }
            return parameters
        }
    }
}

extension HTTPRequest {
    /// The request whose head is a header block, in HTTP/2's form. Names and values that HTTP forbids are left out.
    init(_ block: HeaderBlock) {
        self.init(method: .get, scheme: nil, authority: nil, path: nil)
        block.forEach { name, value in
            let name = String(decoding: name, as: UTF8.self)
            let value = String(decoding: value, as: UTF8.self)
            switch name {
            case ":method": method = Method(value) ?? .get
            case ":scheme": scheme = value
            case ":authority": authority = value
            case ":path": path = value
            default: if let name = HTTPField.Name(name) { headerFields.append(HTTPField(name: name, value: value)) }
            }
        }
    }
}
