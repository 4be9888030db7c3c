import GRPCCore
import GRPCNghttp2Transport
import ServiceKitHTTP2
import ServiceKitProtobuf

/// Calls of methods by their own paths: by Connect and gRPC-Web.
extension HTTPRequestHandler {
    func openMethod(_ request: IncomingRequest) -> (any RequestTask)? {
        let fields = request.fields
        let method = forms[fields.path]
        switch fields.method {
        case "POST":
            break
        case "GET" where method?.type.hasNoSideEffects == true:
            return openConnectGet(request, method)
        default:
            let allow = method?.type.hasNoSideEffects == true ? "GET, POST" : "POST"
            request.refuse(405, "the method is called by POST", allow: allow)
            return nil
        }
        switch fields.contentType {
        case "application/grpc-web", "application/grpc-web+proto":
            return openGRPCWeb(request, isText: false)
        case "application/grpc-web-text", "application/grpc-web-text+proto":
            return openGRPCWeb(request, isText: true)
        case "application/proto", "application/json", "application/connect+proto", "application/connect+json":
            return openConnect(request, method)
        default:
            request.refuse(
                415, "the content type \"\(fields.contentType.prefix(80))\" is not one of Connect or gRPC-Web",
                acceptPost: "application/json, application/proto, application/connect+json, application/connect+proto"
            )
            return nil
        }
    }

    private func openGRPCWeb(_ request: IncomingRequest, isText: Bool) -> (any RequestTask)? {
        guard let encoding = request.encoding(request.fields.grpcEncoding) else { return nil }
        let messages = Envelopes(.binary, encoding: encoding, maxBytes: methods.maxMessageBytes)
        return open(
            request,
            reader: isText ? TextBody(messages) : messages,
            writer: GRPCWebResponse(contentType: request.fields.contentType, isText: isText)
        )
    }

    private func openConnect(_ request: IncomingRequest, _ method: MethodForms.Method?) -> (any RequestTask)? {
        let type = request.fields.contentType
        let isJSON = type.hasSuffix("json")
        guard let form = isJSON ? method?.json : .binary else {
            request.refuse(415, "the server has no descriptors of this method, which JSON needs")
            return nil
        }
        let isStream = type.hasPrefix("application/connect+")
        if let method, isStream != method.type.isStream {
            request.refuse(
                415, "the method is called by \"application/\(isStream ? "" : "connect+")\(isJSON ? "json" : "proto")\""
            )
            return nil
        }
        let name = isStream ? request.fields.connectEncoding : request.fields.contentEncoding
        guard let encoding = request.encoding(name) else { return nil }
        let limit = methods.maxMessageBytes
        if isStream {
            return open(
                request,
                reader: Envelopes(form, encoding: encoding, maxBytes: limit),
                writer: ConnectStreamResponse(form, contentType: type)
            )
        }
        return open(
            request,
            reader: WholeBody(form, encoding: encoding, maxBytes: limit),
            writer: ConnectUnaryResponse(form, contentType: type, request.compression)
        )
    }

    /// A call by GET (https://connectrpc.com/docs/protocol#unary-get-request).
    private func openConnectGet(_ request: IncomingRequest, _ method: MethodForms.Method?) -> (any RequestTask)? {
        let query = QueryItems(request.fields.query)
        let form: MessageForm? =
            switch query["encoding"] {
            case "json": method?.json
            case "proto": .binary
            default: nil
            }
        guard let form, let name = query["encoding"] else {
            request.refuse(415, "the query has no \"encoding\" that is json or proto")
            return nil
        }
        do {
            var bytes = Array((query["message"] ?? "").utf8)
            if query["base64"] == "1" {
                guard let decoded = Base64.decode(query["message"] ?? "") else {
                    throw RPCError(code: .invalidArgument, message: "the message in the query is not base64")
                }
                bytes = decoded
            }
            guard let encoding = request.encoding(query["compression"] ?? "") else { return nil }
            let message = try form.decode(try encoding.decompress(bytes, limit: methods.maxMessageBytes))
            return open(
                request,
                reader: WholeHead(message),
                writer: ConnectUnaryResponse(form, contentType: "application/\(name)", request.compression)
            )
        } catch {
            let error = error as? RPCError
            request.refuse(
                error?.code == .resourceExhausted ? 413 : 400,
                error?.message ?? "the message in the query cannot be read")
            return nil
        }
    }
}
