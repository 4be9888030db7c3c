import GRPCNghttp2Transport
import ServiceKitHTTP2

/// A request with its head, on its way to a protocol.
struct IncomingRequest {
    var exchange: any HTTPExchange
    /// The head as it came.
    let headers: HeaderBlock
    var fields = RequestFields()
    let errors: ErrorForm
    let compressionOptions: HTTPCompressionOptions
    /// Fields that every response to the request has.
    var extraFields = HeaderBlock()

    /// Compresses the response, if that is turned on.
    var compression: BodyCompression? { BodyCompression(compressionOptions, accept: fields.acceptEncoding) }

    /// Answers that the request cannot be served.
    func refuse(_ status: Int, _ reason: String, allow: String? = nil, acceptPost: String? = nil) {
        var response = PlainResponse.error(status, reason, errors)
        if let allow { response.fields.append(name: "allow", value: allow) }
        if let acceptPost { response.fields.append(name: "accept-post", value: acceptPost) }
        response.fields.append(extraFields)
        response.send(to: exchange)
    }

    /// The encoding with a name; `nil` if there is no such encoding, which is answered.
    func encoding(_ name: String) -> MessageEncoding? {
        if name.isEmpty { return .identity }
        if let encoding = name.withBytes({ MessageEncoding($0) }) { return encoding }
        refuse(415, "a body compressed as \"\(name.prefix(40))\" cannot be read; use identity, gzip or deflate")
        return nil
    }
}
