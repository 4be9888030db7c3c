import GRPCCore
import ServiceKitHTTP2

/// Turns requests into calls of gRPC, and hands those of other protocols on.
final class GRPCRequestHandler: RequestHandler {
    private let methods: ServedMethods
    private let otherRequests: (any RequestHandler)?

    /// - Parameters:
    ///   - methods: The methods that are served.
    ///   - otherRequests: Gets the requests whose content type is not gRPC; `nil` to refuse them.
    init(methods: ServedMethods, otherRequests: (any RequestHandler)? = nil) {
        self.methods = methods
        self.otherRequests = otherRequests
    }

    var http1: HTTP1Handler? { otherRequests?.http1 }

    func open(
        _ stream: HTTP2Stream,
        headers: HeaderBlock?,
        on connection: ServerConnection
    ) -> (any RequestTask)? {
        if let otherRequests, let headers, !RequestHead.isGRPC(headers) {
            return otherRequests.open(stream, headers: headers, on: connection)
        }
        if headers == nil, let otherRequests, !RequestHead.isGRPC(stream.refusedType) {
            return otherRequests.open(stream, headers: nil, on: connection)
        }
        if let headers, methods.refuse(stream, headers) { return nil }
        do throws(RequestHead.Rejection) {
            guard let headers else {
                throw stream.refusal.map { .refused($0) } ?? .metadataTooLarge(stream.limits)
            }
            let head = try RequestHead(
                headers, readableEncodings: methods.messages.readableEncodings, find: methods.find(path:))
            let method = if let found = head.method { found } else { try methods.method(path: head.path) }
            stream.setDecoder(MessageDeframer(maxMessageBytes: methods.messages.maxBytes))
            let wire = GRPCWire(stream: stream, connection: connection)
            let call = ServerCall(wire: wire, method: method, direct: method.direct, head: head, service: methods)
            return call.begin() ? call : nil
        } catch {
            if let reason = error.reason {
                stream.logRefusal(reason)
            }
            // A stream that was opened just now takes a header block, unless it is gone already.
            try? stream.send(head: error.response, endStream: true)
            return nil
        }
    }
}
