internal import GRPCCore
internal import GRPCNghttp2Transport
internal import ServiceKit

/// A server transport that runs middleware around each call, from its headers to its status.
///
/// gRPC's own interceptors end before a streaming response is written. Here the chain is around the whole call, and the
/// status is held back until the chain has had its word.
struct MiddlewareServerTransport: ServerTransport {
    typealias Bytes = Nghttp2ServerTransport.Bytes
    typealias Stream = RPCStream<Inbound, Outbound>

    private let base: Nghttp2ServerTransport
    private let pipelines: MiddlewarePipelines
    private let exceptions: Set<String>

    /// - Parameters:
    ///   - base: The transport.
    ///   - middleware: What runs around each call.
    ///   - exceptions: The full names of services whose calls it does not run around.
    init(_ base: Nghttp2ServerTransport, middleware: MiddlewareChain, except exceptions: Set<String> = []) {
        self.base = base
        self.pipelines = MiddlewarePipelines(middleware)
        self.exceptions = exceptions
    }

    func configure(context: GRPCServerContext) {
        base.configure(context: context)
    }

    func beginGracefulShutdown() {
        base.beginGracefulShutdown()
    }

    func listen(
        streamHandler: @escaping @Sendable (_ stream: Stream, _ context: ServerContext) async -> Void
    ) async throws {
        if pipelines.isEmpty {
            try await base.listen(streamHandler: streamHandler)
            return
        }
        try await base.listen { [pipelines, exceptions] stream, context in
            if exceptions.contains(context.descriptor.service.fullyQualifiedService) {
                await streamHandler(stream, context)
                return
            }
            let path = "/\(context.descriptor.fullyQualifiedMethod)"
            await Self.handle(stream, context, path: path, pipeline: pipelines[path], streamHandler)
        }
    }

    private static func handle(
        _ stream: Stream,
        _ context: ServerContext,
        path: String,
        pipeline: MiddlewarePipeline,
        _ streamHandler: @escaping @Sendable (_ stream: Stream, _ context: ServerContext) async -> Void
    ) async {
        guard !pipeline.isEmpty, let metadata = await firstMetadata(of: stream) else {
            // A stream that does not begin with headers is for the handler to refuse.
            await streamHandler(stream, context)
            return
        }
        let call = Call(
            side: .server,
            transport: "grpc",
            path: path,
            peer: context.remotePeer,
            metadata: CallMetadata(metadata),
            deadline: metadata.grpcTimeout.map { .now + $0 }
        )
        let response = HeldResponse(stream.outbound)
        let status: Status
        let trailers: Metadata
        do {
            let result = try await pipeline.run(call) { changed in
                response.setMetadata(changed.responseMetadata)
                let request = RequestWithMetadata(metadata: Metadata(changed.metadata), base: stream.inbound)
                let inner = Stream(
                    descriptor: stream.descriptor,
                    inbound: RPCAsyncSequence(wrapping: request),
                    outbound: RPCWriter.Closable(wrapping: response)
                )
                try await HandlerErrorRecorder.recording { await streamHandler(inner, context) }
                return CallResult(trailers: CallMetadata(try response.trailers()))
            }
            guard response.hasStatus else {
                throw RPCError(
                    code: .internalError,
                    message: "middleware answered \(path) without passing the call on; it can only throw, or call next"
                )
            }
            status = Status(code: .ok, message: "")
            trailers = Metadata(result.trailers)
        } catch {
            let error = RPCError(describing: error)
            status = Status(code: Status.Code(error.code), message: error.message)
            trailers = error.metadata
        }
        // A caller that is gone needs no status.
        try? await stream.outbound.write(.status(status, trailers))
        await stream.outbound.finish()
    }

    private static func firstMetadata(of stream: Stream) async -> Metadata? {
        var iterator = stream.inbound.makeAsyncIterator()
        guard case .metadata(let metadata)? = try? await iterator.next() else { return nil }
        return metadata
    }
}

/// A request with other headers than it came with.
///
/// Every iterator of the transport's inbound sequence begins with the headers, however many there were before it.
private struct RequestWithMetadata<Base: AsyncSequence & Sendable>: AsyncSequence, Sendable
where Base.Element == RPCRequestPart<[UInt8]>, Base.Failure == any Error {
    let metadata: Metadata
    let base: Base

    func makeAsyncIterator() -> Iterator {
        Iterator(metadata: metadata, base: base.makeAsyncIterator())
    }

    struct Iterator: AsyncIteratorProtocol {
        let metadata: Metadata
        var base: Base.AsyncIterator

        mutating func next() async throws -> RPCRequestPart<[UInt8]>? {
            try await next(isolation: nil)
        }

        mutating func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> RPCRequestPart<[UInt8]>? {
            let part = try await base.next(isolation: actor)
            if case .metadata? = part { return .metadata(metadata) }
            return part
        }
    }
}
