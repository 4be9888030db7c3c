import GRPCCore
import NIOSSL
import Synchronization

/// One call on a server: a stream, seen as GRPCCore sees it.
final class ServerCall: Sendable {
    typealias Handler =
        @Sendable @concurrent (
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
        /// How the response's messages are compressed.
        var encoding: MessageEncoding
        var cancellation: ServerContext.RPCCancellationHandle?
    }

    let stream: HTTP2Stream
    let peer: String
    let peerCertificate: NIOSSLCertificate?
    private let localPeer: String
    private let descriptor: MethodDescriptor
    private let head: RequestHead
    private let deadline: ContinuousClock.Instant?
    private let state: Mutex<State>
    private let receivedCompressed = Atomic<Bool>(false)

    init(
        stream: HTTP2Stream,
        descriptor: MethodDescriptor,
        head: RequestHead,
        responseEncoding: MessageEncoding,
        connection: HTTP2Connection
    ) {
        self.stream = stream
        self.descriptor = descriptor
        self.head = head
        self.deadline = head.timeout.map { .now + $0 }
        self.peer = connection.remotePeer
        self.peerCertificate = connection.peerCertificate
        self.localPeer = connection.localPeer
        let encoding = head.acceptedEncodings.contains(responseEncoding) ? responseEncoding : .identity
        self.state = Mutex(State(encoding: encoding))
    }

    fileprivate var metadata: Metadata { self.head.metadata }

    /// Whether the last message that was read came compressed.
    var receivedMessageWasCompressed: Bool { self.receivedCompressed.load(ordering: .relaxed) }

    func setResponseEncoding(_ encoding: MessageEncoding) {
        guard self.head.acceptedEncodings.contains(encoding) else { return }
        self.state.withLock { state in
            if case .notBegun = state.response {
                state.encoding = encoding
            }
        }
    }

    /// Returns the next message of the request, or `nil` when there are no more.
    fileprivate func next(isolation actor: isolated (any Actor)?) async throws -> [UInt8]? {
        switch try await self.stream.next(isolation: actor) {
        case .message(let message, let isCompressed):
            if isCompressed || self.head.encoding != .identity {
                self.receivedCompressed.store(isCompressed, ordering: .relaxed)
            }
            return isCompressed ? try self.stream.decompress(message, self.head.encoding) : message
        // Only clients get header blocks.
        case .headers, .none:
            return nil
        }
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
        var context = ServerContext(
            descriptor: self.descriptor,
            remotePeer: self.peer,
            localPeer: self.localPeer,
            cancellation: cancellation
        )
        context.transportSpecific = Nghttp2ServerTransport.Context(call: self)
        await handler(
            RPCStream(
                descriptor: self.descriptor,
                inbound: RPCAsyncSequence(wrapping: ServerInbound(call: self)),
                outbound: RPCWriter.Closable(wrapping: ServerOutbound(call: self))
            ),
            context
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
                let (isFirst, encoding) = self.begin()
                if isFirst {
                    var block = HeaderBlock()
                    block.append(encoding)
                    try self.stream.send(head: block, prefix: .grpc, isMessageNext: true)
                }
                try await self.stream.send(
                    message: OutboundMessage(message, encoding, limit: self.stream.limits.maxSendMessageBytes)
                )
            case .status(let status, let metadata):
                try self.send(status, metadata)
            }
        } catch {
            throw RPCError.from(error, peer: self.peer)
        }
    }

    /// Notes that the response begins, unless it has already.
    private func begin() -> (isFirst: Bool, encoding: MessageEncoding) {
        self.state.withLock { state in
            guard case .notBegun = state.response else { return (false, state.encoding) }
            state.response = .begun
            return (true, state.encoding)
        }
    }

    private func send(_ metadata: Metadata) throws {
        var block = HeaderBlock()
        try block.append(metadata)
        let maxBytes = self.stream.limits.maxHeaderListBytes
        guard block.listSize <= maxBytes else {
            throw StreamFailure.outboundHeadersTooLarge(bytes: block.listSize, limit: maxBytes)
        }
        let (isFirst, encoding) = self.begin()
        guard isFirst else {
            throw RPCError(code: .internalError, message: "the response's initial metadata was sent already")
        }
        block.append(encoding)
        // Of a call with one response, that comes right away.
        let isMessageNext = self.descriptor.type.map { !$0.isResponseStreaming } ?? false
        try self.stream.send(head: block, prefix: .grpc, isMessageNext: isMessageNext)
    }

    private func send(_ status: Status, _ metadata: Metadata) throws(StreamFailure) {
        let (response, isCancelled) = self.state.withLock { state in
            defer { state.response = .ended }
            return (state.response, state.cancellation?.isCancelled ?? false)
        }
        let status = isCancelled || Task.isCancelled ? self.statusOfCancelled(status) : status
        let maxBytes = self.stream.limits.maxHeaderListBytes
        let block = HeaderBlock.trailers(status, metadata, maxBytes: maxBytes)
        switch response {
        case .notBegun: try self.stream.send(head: block, prefix: .grpc, endStream: true)
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
        // It has been ended, mostly.
        if case .ended = self.state.withLock({ $0.response }) { return }
        let status = error.map { Status(code: Status.Code($0.code), message: $0.message) }
        // It fails if the stream is gone.
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
                return try await self.call.next(isolation: actor).map { .message($0) }
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
