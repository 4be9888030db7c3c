import GRPCCore
import Synchronization

/// One call on a server: a stream, seen as GRPCCore sees it.
final class ServerCall: Sendable {
    typealias Handler =
        @Sendable (
            RPCStream<Nghttp2ServerTransport.Inbound, Nghttp2ServerTransport.Outbound>, ServerContext
        ) async -> Void

    /// How far the response is.
    private enum Response {
        case notBegun
        case begun
        case ended
    }

    private struct State {
        var response = Response.notBegun
        var cancellation: ServerContext.RPCCancellationHandle?
    }

    let stream: HTTP2Stream
    let peer: String
    private let localPeer: String
    private let descriptor: MethodDescriptor
    fileprivate let metadata: Metadata
    private let deadline: ContinuousClock.Instant?
    private let state = Mutex(State())

    init(stream: HTTP2Stream, descriptor: MethodDescriptor, head: RequestHead, peer: String, localPeer: String) {
        self.stream = stream
        self.descriptor = descriptor
        self.metadata = head.metadata
        self.deadline = head.timeout.map { .now + $0 }
        self.peer = peer
        self.localPeer = localPeer
    }

    /// Runs the handler; the call is over when this returns.
    func run(_ handler: Handler) async {
        await withServerContextRPCCancellationHandle { cancellation in
            self.state.withLock { $0.cancellation = cancellation }
            self.stream.onFailure { cancellation.cancel() }
            if self.deadline == nil {
                await self.handle(handler, cancellation)
            } else {
                // GRPCCore enforces the timeout by cancelling the call. A handler that waits for a message, or for room
                // to send one, is to learn of it too.
                await withRPCCancellationHandler {
                    await self.handle(handler, cancellation)
                } onCancelRPC: { [stream] in
                    stream.interrupt(.deadlineExceeded)
                }
            }
        }
        self.finish()
    }

    private func handle(_ handler: Handler, _ cancellation: ServerContext.RPCCancellationHandle) async {
        await handler(
            RPCStream(
                descriptor: self.descriptor,
                inbound: RPCAsyncSequence(wrapping: ServerInbound(call: self)),
                outbound: RPCWriter.Closable(wrapping: ServerOutbound(call: self))
            ),
            ServerContext(
                descriptor: self.descriptor,
                remotePeer: self.peer,
                localPeer: self.localPeer,
                cancellation: cancellation
            )
        )
    }
}

// MARK: - The response

extension ServerCall {
    fileprivate func write(_ part: RPCResponsePart<[UInt8]>) async throws {
        do {
            switch part {
            case .metadata(let metadata):
                try self.send(metadata)
            case .message(let message):
                if self.begin() {
                    try self.stream.send(head: HeaderBlock(), prefix: .response)
                }
                try await self.stream.send(message: message)
            case .status(let status, let metadata):
                try self.send(status, metadata)
            }
        } catch {
            throw RPCError.from(error, peer: self.peer)
        }
    }

    /// Notes that the response begins. Returns `false` if it has already.
    private func begin() -> Bool {
        self.state.withLock { state in
            guard case .notBegun = state.response else { return false }
            state.response = .begun
            return true
        }
    }

    private func send(_ metadata: Metadata) throws {
        var block = HeaderBlock()
        try block.append(metadata)
        let maxBytes = self.stream.connection.limits.maxHeaderListBytes
        guard block.listSize <= maxBytes else {
            throw StreamFailure.outboundHeadersTooLarge(bytes: block.listSize, limit: maxBytes)
        }
        guard self.begin() else {
            throw RPCError(code: .internalError, message: "the response's initial metadata was sent already")
        }
        try self.stream.send(head: block, prefix: .response)
    }

    private func send(_ status: Status, _ metadata: Metadata) throws(StreamFailure) {
        let (response, isCancelled) = self.state.withLock { state in
            defer { state.response = .ended }
            return (state.response, state.cancellation?.isCancelled ?? false)
        }
        let status = isCancelled || Task.isCancelled ? self.statusOfCancelled(status) : status
        let maxBytes = self.stream.connection.limits.maxHeaderListBytes
        let block = HeaderBlock.trailers(status, metadata, maxBytes: maxBytes)
        switch response {
        case .notBegun: try self.stream.send(head: block, prefix: .response, endStream: true)
        case .begun: try self.stream.send(end: .trailers(block))
        case .ended: throw .closed
        }
    }

    /// A handler that gives up because its call was cancelled mostly throws `CancellationError`, which GRPCCore reports
    /// as an unknown error. What the client should see is why the call was cancelled.
    private func statusOfCancelled(_ status: Status) -> Status {
        guard status.code == .unknown || status.code == .cancelled else { return status }
        if let deadline = self.deadline, deadline <= .now {
            return Status(code: .deadlineExceeded, message: "the call did not complete before its deadline")
        }
        return status.code == .cancelled ? status : Status(code: .cancelled, message: "the call was cancelled")
    }

    /// Ends the response, with an error if the handler has not.
    fileprivate func finish(_ error: RPCError? = nil) {
        let status = error.map { Status(code: Status.Code($0.code), message: $0.message) }
        // It fails if the response was ended, as it mostly was, or if the stream is gone.
        try? self.send(
            status ?? Status(code: .internalError, message: "the handler returned without a status"),
            error?.metadata ?? [:]
        )
    }
}

/// The messages of a request, after its metadata.
private struct ServerInbound: AsyncSequence, Sendable {
    typealias Element = RPCRequestPart<[UInt8]>
    typealias Failure = any Error

    let call: ServerCall

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(call: self.call)
    }

    struct AsyncIterator: AsyncIteratorProtocol {
        let call: ServerCall
        private var hasReadMetadata = false

        init(call: ServerCall) {
            self.call = call
        }

        mutating func next() async throws -> RPCRequestPart<[UInt8]>? {
            try await self.next(isolation: nil)
        }

        mutating func next(isolation actor: isolated (any Actor)?) async throws -> RPCRequestPart<[UInt8]>? {
            guard self.hasReadMetadata else {
                self.hasReadMetadata = true
                return .metadata(self.call.metadata)
            }
            do {
                switch try await self.call.stream.next(isolation: actor) {
                case .message(let message): return .message(message)
                // Only clients get header blocks.
                case .headers, .none: return nil
                }
            } catch let failure as StreamFailure {
                throw failure.rpcError(peer: self.call.peer)
            }
        }
    }
}

private struct ServerOutbound: ClosableRPCWriterProtocol {
    typealias Element = RPCResponsePart<[UInt8]>

    let call: ServerCall

    func write(_ element: Element) async throws {
        try await self.call.write(element)
    }

    func write(contentsOf elements: some Sequence<Element>) async throws {
        for element in elements {
            try await self.call.write(element)
        }
    }

    func finish() async {
        self.call.finish()
    }

    func finish(throwing error: any Error) async {
        self.call.finish(RPCError.from(error, peer: self.call.peer))
    }
}
