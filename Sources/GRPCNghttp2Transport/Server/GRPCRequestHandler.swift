import GRPCCore
import Logging
import ServiceKitHTTP2

/// Checks a message of a request, in its wire format. The error that it throws ends the call.
package typealias RequestCheck = @Sendable (_ message: [UInt8]) throws -> Void

/// Turns requests into calls of gRPC.
final class GRPCRequestHandler: RequestHandler {
    /// A method, the hook around its calls, the check of its requests, and the handler that serves it in place of GRPCCore.
    final class Method: Sendable {
        let descriptor: MethodDescriptor
        let hook: (any ServerCallHook)?
        let direct: DirectHandler?
        let check: RequestCheck?

        init(
            _ descriptor: MethodDescriptor,
            _ hook: (any ServerCallHook)?,
            _ direct: DirectHandler? = nil,
            _ check: RequestCheck? = nil
        ) {
            self.descriptor = descriptor
            self.direct = direct
            self.check = check
            self.hook = (hook?.applies(to: descriptor) ?? false) ? hook : nil
        }
    }

    let handler: ServerCall.Handler
    let messages: MessageOptions
    private let otherRequests: (any RequestHandler)?
    private let logger: Logger
    private let methods: [String: Method]
    private let hook: (any ServerCallHook)?

    init(
        methods: [MethodDescriptor],
        config: Nghttp2ServerTransport.Config,
        hook: (any ServerCallHook)?,
        direct: [MethodDescriptor: DirectHandler] = [:],
        checks: [MethodDescriptor: RequestCheck] = [:],
        otherRequests: (any RequestHandler)? = nil,
        logger: Logger,
        handler: @escaping ServerCall.Handler
    ) {
        self.handler = handler
        self.otherRequests = otherRequests
        messages = MessageOptions(config)
        self.logger = logger
        self.hook = hook
        self.methods = Dictionary(
            methods.map { ($0.path, Method($0, hook, direct[$0], checks[$0])) },
            uniquingKeysWith: { first, _ in first }
        )
    }

    func open(
        _ stream: HTTP2Stream,
        headers: HeaderBlock?,
        on connection: ServerConnection
    ) -> (any RequestTask)? {
        do throws(RequestHead.Rejection) {
            guard let headers else {
                throw stream.refusal.map { .refused($0) } ?? .metadataTooLarge(stream.limits)
            }
            let head = try RequestHead(headers, readableEncodings: messages.readableEncodings)
            let method = try self.method(path: head.path)
            stream.setDecoder(MessageDeframer(maxMessageBytes: messages.maxBytes))
            let call = ServerCall(stream: stream, method: method, head: head, service: self, connection: connection)
            return call.begin() ? call : nil
        } catch {
            if let headers, let otherRequests, !RequestHead.isGRPC(headers) {
                return otherRequests.open(stream, headers: headers, on: connection)
            }
            if let reason = error.reason {
                stream.logRefusal(reason)
            }
            // A stream that was opened just now takes a header block, unless it is gone already.
            try? stream.send(head: error.response, endStream: true)
            return nil
        }
    }

    /// The method that a path names. A method that is not registered is made up from the path: the router answers it.
    func method(path: String) throws(RequestHead.Rejection) -> Method {
        if let method = methods[path] {
            return method
        }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].isEmpty, !parts[1].isEmpty, !parts[2].isEmpty else {
            throw .grpc(.unimplemented, "\"\(path)\" is not the path of a method: /package.Service/Method")
        }
        return Method(MethodDescriptor(fullyQualifiedService: String(parts[1]), method: String(parts[2])), hook)
    }
}
