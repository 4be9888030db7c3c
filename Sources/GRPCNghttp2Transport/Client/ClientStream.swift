package import GRPCCore
import ServiceKitHTTP2
import Synchronization

/// One call of a client.
///
/// The request goes in through `write` and `finish`, its metadata first; the response comes out of `next`. Both work
/// from any task, for one reader at a time. The maker of a stream calls `cancel` when done with it: that resets the
/// call if it has not ended.
package final class ClientStream: Sendable {
    package typealias Inbound = RPCAsyncSequence<RPCResponsePart<[UInt8]>, any Error>
    package typealias Outbound = RPCWriter<RPCRequestPart<[UInt8]>>.Closable

    private enum Request {
        case notBegun
        case begun
        /// The call failed on this side, for this reason, which the reader gets.
        case failed(RPCError)
    }

    package let descriptor: MethodDescriptor
    /// The server, as gRPC describes it: `ipv4:127.0.0.1:8080`.
    package let remotePeer: String
    /// This side of the connection, likewise.
    package let localPeer: String

    let stream: HTTP2Stream
    private let deadline: ContinuousClock.Instant?
    private let encoding: MessageEncoding
    private let maxMessageBytes: Int
    private let maxRequestMessageBytes: Int
    private let request = Mutex(Request.notBegun)
    private let response: Mutex<ResponseReader>

    init(
        descriptor: MethodDescriptor,
        stream: HTTP2Stream,
        deadline: ContinuousClock.Instant?,
        options: CallOptions,
        messages: MessageOptions,
        remotePeer: String,
        localPeer: String
    ) {
        self.descriptor = descriptor
        self.stream = stream
        self.deadline = deadline
        encoding = options.compression.map { MessageEncoding($0) } ?? messages.encoding
        maxMessageBytes = messages.maxBytes
        maxRequestMessageBytes = min(options.maxRequestMessageBytes ?? .max, messages.maxSendBytes)
        self.remotePeer = remotePeer
        self.localPeer = localPeer
        response = Mutex(
            ResponseReader(
                peer: remotePeer,
                maxMessageBytes: options.maxResponseMessageBytes,
                readableEncodings: messages.readableEncodings
            )
        )
    }

    deinit {
        cancel()
    }

    /// Whether nothing can be written any more.
    package var hasWritingEnded: Bool { stream.hasWritingEnded }

    /// Whether nothing of the response is yet to come.
    package var hasReadingEnded: Bool { stream.hasReadingEnded }

    /// Resets the call if it has not ended: the reader and the writers fail with `cancelled`.
    package func cancel() {
        if !hasReadingEnded || !hasWritingEnded {
            stream.reset(.cancel, failure: .cancelled)
        }
    }

    // MARK: - The response

    /// Returns the next part of the response; `nil` after the status.
    ///
    /// If the task is cancelled while it waits, the call is reset.
    /// - Throws: `RPCError` if the call failed otherwise than by a status from the server.
    package func next() async throws(RPCError) -> RPCResponsePart<[UInt8]>? {
        while true {
            switch try poll() {
            case .ready(let part): return part
            case .wait: try await waitUntilReadable()
            }
        }
    }

    /// A look for the next part of the response.
    package enum Poll {
        /// The next part; `nil` after the status.
        case ready(RPCResponsePart<[UInt8]>?)
        /// Nothing is there yet.
        case wait
    }

    /// Takes the next part of the response if it is there.
    ///
    /// - Throws: `RPCError` if the call failed otherwise than by a status from the server.
    package func poll() throws(RPCError) -> Poll {
        while true {
            var part: InboundPart?
            do {
                switch stream.poll() {
                case .part(let next): part = try decompressed(next)
                case .end: break
                case .failed(let failure): throw failure
                case .wait: return .wait
                }
            } catch {
                // A response that made no sense was reset here; the reset is not its end.
                if response.withLock({ $0.hasEnded }) { return .ready(nil) }
                throw self.error(error)
            }
            switch response.withLock({ $0.read(part) }) {
            case .part(let part):
                return .ready(part)
            case .end:
                return .ready(nil)
            case .skip:
                continue
            case .failed(let error):
                stream.reset(.cancel, failure: .cancelled)
                throw error
            case .ended(let status):
                // An answer that is not gRPC's: the rest is of no use.
                stream.reset(.cancel, failure: .cancelled)
                return .ready(.status(status, [:]))
            }
        }
    }

    /// Returns when ``poll()`` has something to return. If the task is cancelled before, the call is reset.
    ///
    /// - Throws: `RPCError` if the task is cancelled, or another one reads the response.
    package func waitUntilReadable() async throws(RPCError) {
        do {
            try await stream.waitUntilReadable()
        } catch {
            if error is CancellationError { stream.reset(.cancel, failure: .cancelled) }
            throw self.error(error)
        }
    }

    /// Returns when ``poll()`` has something to return, or the task is cancelled, which leaves the call as it is. For a reader
    /// of several calls at a time.
    package func waitUntilReadableOrCancelled() async {
        // Another failure is found by the next look.
        try? await stream.waitUntilReadable()
    }

    private func decompressed(_ part: InboundPart) throws -> InboundPart {
        guard case .body(let piece) = part, piece.isCompressed else { return part }
        do {
            let encoding = try response.withLock { response throws(MessageError) in try response.messageEncoding }
            let message = try stream.decompress(piece.bytes, encoding, maxMessageBytes: maxMessageBytes)
            return .body(BodyPiece(message: message))
        } catch {
            // There is no way to go on with a response that cannot be read.
            stream.reset(.cancel, failure: error as? StreamFailure ?? .refused("\(error)"))
            throw error
        }
    }

    private func error(_ error: any Error) -> RPCError {
        if case .failed(let error) = request.withLock({ $0 }) {
            return error
        }
        return RPCError.from(error, peer: remotePeer)
    }

    // MARK: - The request

    /// Sends a part of the request; suspends while more waits to be sent than the configuration allows.
    ///
    /// - Throws: `RPCError`.
    package func write(_ part: RPCRequestPart<[UInt8]>) async throws {
        do {
            switch part {
            case .metadata(let metadata):
                try send(metadata)
            case .message(let message):
                let piece = try outbound(message)
                if try !stream.trySend(piece) { try await stream.send(piece) }
            }
        } catch {
            throw self.error(error)
        }
    }

    /// Takes a part of the request at once, so that it can be called under a lock; see ``waitUntilWritable()``. The
    /// reader gets the error if the part is wrong.
    ///
    /// - Parameters:
    ///   - part: The part.
    ///   - isCompressed: Whether to compress a message, in a call that compresses. Default: what the task says.
    package func enqueue(_ part: RPCRequestPart<[UInt8]>, isCompressed: Bool? = nil) {
        do {
            switch part {
            case .metadata(let metadata):
                try send(metadata)
            case .message(let message):
                stream.enqueue(try outbound(message, isCompressed: isCompressed))
            }
        } catch {
            finish(throwing: error)
        }
    }

    /// Whether less waits to be sent than the configuration allows, or nothing can be sent any more.
    package var isWritable: Bool { stream.isWritable }

    /// Returns when the stream is writable.
    ///
    /// - Throws: `CancellationError` if the task is cancelled while it waits.
    package func waitUntilWritable() async throws {
        try await stream.waitUntilWritable()
    }

    private func outbound(_ message: [UInt8], isCompressed: Bool? = nil) throws(MessageError) -> BodyPiece {
        try BodyPiece(message: message, encoding, isCompressed: isCompressed, limit: maxRequestMessageBytes)
    }

    private func send(_ metadata: Metadata) throws {
        var block = HeaderBlock()
        block.appendPath(descriptor.service.fullyQualifiedService, descriptor.method)
        try block.append(metadata)
        if let deadline, !metadata.contains(where: { $0.key == HeaderName.timeout }) {
            let timeout = GRPCTimeout(ContinuousClock.now.duration(to: deadline))
            block.append(name: HeaderName.timeout, value: timeout.wireValue)
        }
        block.append(encoding)
        let maxBytes = stream.maxHeaderListBytes
        guard block.listSize <= maxBytes else {
            throw StreamFailure.outboundHeadersTooLarge(bytes: block.listSize, limit: maxBytes)
        }
        let isFirst = request.withLock { request in
            guard case .notBegun = request else { return false }
            request = .begun
            return true
        }
        guard isFirst else {
            throw RPCError(code: .internalError, message: "the request's metadata was sent already")
        }
        // Of a call with one request, that comes right away.
        let isMessageNext = descriptor.type.map { !$0.isRequestStreaming } ?? false
        try stream.send(head: block, prefix: .common, isBodyNext: isMessageNext)
    }

    /// Ends the request.
    package func finish() {
        // It fails if the call has ended already, which is no harm then.
        try? stream.send(end: .data)
    }

    /// Gives the call up: it is reset, and the reader gets `error`.
    package func finish(throwing error: any Error) {
        // GRPCCore wraps the errors of a request's producer.
        let isCancellation = error is CancellationError || (error as? RPCError)?.cause is CancellationError
        let error = RPCError.from(isCancellation ? CancellationError() : error, peer: remotePeer)
        // A response that has come in whole stands.
        guard !hasReadingEnded else { return }
        request.withLock { $0 = .failed(error) }
        stream.reset(.cancel, failure: .cancelled)
    }
}

// MARK: - GRPCCore's types

extension ClientStream {
    /// The response as GRPCCore reads it.
    package var inbound: Inbound {
        RPCAsyncSequence(wrapping: Response(stream: self))
    }

    /// The request as GRPCCore writes it.
    package var outbound: Outbound {
        RPCWriter.Closable(wrapping: RequestWriter(stream: self))
    }

    /// The context of the call.
    package var context: ClientContext {
        ClientContext(descriptor: descriptor, remotePeer: remotePeer, localPeer: localPeer)
    }

    private struct Response: AsyncSequence, Sendable {
        typealias Element = RPCResponsePart<[UInt8]>
        typealias Failure = any Error

        let stream: ClientStream

        func makeAsyncIterator() -> AsyncIterator {
            AsyncIterator(stream: stream)
        }

        struct AsyncIterator: AsyncIteratorProtocol {
            let stream: ClientStream

            mutating func next() async throws -> Element? {
                try await stream.next()
            }

            mutating func next(isolation actor: isolated (any Actor)?) async throws -> Element? {
                try await stream.next()
            }
        }
    }

    private struct RequestWriter: ClosableRPCWriterProtocol {
        typealias Element = RPCRequestPart<[UInt8]>

        let stream: ClientStream

        func write(_ element: Element) async throws {
            try await stream.write(element)
        }

        func write(contentsOf elements: some Sequence<Element>) async throws {
            for element in elements {
                try await stream.write(element)
            }
        }

        func finish() async {
            self.stream.finish()
        }

        func finish(throwing error: any Error) async {
            self.stream.finish(throwing: error)
        }
    }
}
