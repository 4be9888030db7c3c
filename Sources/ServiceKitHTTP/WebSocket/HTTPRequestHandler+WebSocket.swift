import GRPCCore
import GRPCNghttp2Transport
import ServiceKitHTTP2
import ServiceKitProtobuf

/// Calls by WebSocket, at the path of a method with a stream or at a path of its own.
extension HTTPRequestHandler {
    /// The treatment of a request that offers WebSocket.
    enum WebSocketOpening {
        /// It is a request like any other: what it asks for is no stream, or is not there.
        case none
        /// It is answered.
        case answered
        case opened(any RequestTask)
    }

    private struct Endpoint {
        let operation: String
        let form: WebSocketForm
        let takesOne: Bool
    }

    func openWebSocket(_ request: IncomingRequest) -> WebSocketOpening {
        guard request.exchange.offeredUpgrade == HTTP1Upgrade.webSocketName, let endpoint = endpoint(request.fields)
        else { return .none }
        let handshake: WebSocketHandshake
        do throws(WebSocketHandshake.Refusal) {
            handshake = try WebSocketHandshake(request.fields, cors)
        } catch {
            refuse(request, error)
            return .answered
        }
        var metadata = request.fields.metadata
        if WebSocketHandshake.hasForeignCredentials(request.fields, cors) {
            for name in ["cookie", "authorization"] { metadata.removeAllValues(forKey: name) }
        }
        request.exchange.accept(.webSocket(maxMessageBytes: methods.maxMessageBytes))
        let wire = HTTPCallWire(
            request.exchange,
            reader: WebSocketRequest(endpoint.form, takesOne: endpoint.takesOne),
            writer: WebSocketResponse(handshake, endpoint.form, errors: request.errors),
            extraFields: request.extraFields,
            beginsWhenRead: true
        )
        let call = methods.open(
            wire, path: endpoint.operation, metadata: metadata, timeout: request.fields.timeout)
        return call.map { .opened($0) } ?? .answered
    }

    /// The method with a stream that a request asks for.
    private func endpoint(_ fields: RequestFields) -> Endpoint? {
        if methods.contains(path: fields.path) {
            guard let method = forms[fields.path] else {
                return Endpoint(operation: fields.path, form: WebSocketForm(json: nil), takesOne: false)
            }
            guard method.type.isStream else { return nil }
            return Endpoint(
                operation: fields.path, form: WebSocketForm(json: method.json),
                takesOne: !method.type.isClientStreaming)
        }
        guard case .found(let match) = forms.routes.route("GET", fields.path), case .method(let route) = match.target,
            route.type.isClientStreaming, methods.contains(path: route.operation)
        else { return nil }
        return Endpoint(
            operation: route.operation, form: WebSocketForm(route, match.values, fields), takesOne: false)
    }

    private func refuse(_ request: IncomingRequest, _ refusal: WebSocketHandshake.Refusal) {
        switch refusal.status {
        case 426: request.refuseWithoutWebSocket(refusal.reason)
        case 405: request.refuse(405, refusal.reason, allow: "GET")
        default: request.refuse(refusal.status, refusal.reason)
        }
    }
}

extension IncomingRequest {
    /// Answers that the request has to come by WebSocket.
    func refuseWithoutWebSocket(_ reason: String) {
        var response = PlainResponse.error(426, reason, errors)
        // HTTP/2 has no such header.
        if exchange.version == "1.1" { response.fields.append(name: "upgrade", value: HTTP1Upgrade.webSocketName) }
        response.fields.append(name: "sec-websocket-version", value: WebSocketHandshake.version)
        response.fields.append(extraFields)
        response.send(to: exchange)
    }
}
