#if Hummingbird
public import Hummingbird
public import ServiceKit
private import Logging
private import NIOCore
private import ServiceKitHTTP

extension App {
    /// Serves the routes of a Hummingbird router on the port of gRPC: every path that has no method and no route of
    /// the App.
    ///
    /// The App's listener, drain, limits and middleware are around them; their operation is `/http/ANY/{path=**}`. The
    /// router's own middleware runs within. Trailers of a response are left out.
    ///
    /// - Parameter router: The router. Its contexts get a logger, and a channel that tells the client's address and
    ///   nothing else.
    public func mount<Context: RequestContext>(_ router: Router<Context>)
    where Context.Source == ApplicationRequestContextSource {
        let responder = router.buildResponder()
        let logger = logger
        http.any("/{path=**}") { request in
            let source = ApplicationRequestContextSource(channel: RequestChannel(peer: request.peer), logger: logger)
            let context = Context(source: source)
            let incoming = Request(
                head: request.head, body: RequestBody(asyncSequence: request.body.map { ByteBuffer(bytes: $0) }))
            do {
                return try await RouteResponse(responder.respond(to: incoming, context: context))
            } catch let error as any HTTPResponseError {
                return try await RouteResponse(error.response(from: incoming, context: context))
            }
        }
    }
}

extension RouteResponse {
    /// The largest body that is sent as a whole.
    private static var maxWholeBytes: Int { 64 * 1024 }

    fileprivate init(_ response: Response) async throws {
        let content = response.body
        self.init(response.status, headers: response.headers)
        if let length = content.contentLength, length <= Self.maxWholeBytes {
            // It leaves together with its head.
            let whole = WholeBodyWriter()
            try await content.write(whole)
            body = .bytes(whole.bytes)
        } else {
            body = .stream(length: content.contentLength) { writer in
                try await content.write(PieceWriter(body: writer))
            }
        }
    }
}

/// Passes the pieces of a body on.
private struct PieceWriter: Hummingbird.ResponseBodyWriter {
    let body: ServiceKitHTTP.ResponseBodyWriter

    mutating func write(_ buffer: ByteBuffer) async throws { try await body.write(Array(buffer.readableBytesView)) }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}

/// Collects a body.
private final class WholeBodyWriter: Hummingbird.ResponseBodyWriter {
    private(set) var bytes: [UInt8] = []

    func write(_ buffer: ByteBuffer) async throws { bytes += buffer.readableBytesView }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
#endif
