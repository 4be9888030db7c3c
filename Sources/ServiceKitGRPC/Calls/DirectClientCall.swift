public import GRPCCore

/// A call that a stub makes through a channel, without GRPCCore's executor.
@usableFromInline
struct DirectClientCall: Sendable {
    /// A response that has one message.
    @usableFromInline
    struct Answer: Sendable {
        @usableFromInline var metadata: Metadata
        @usableFromInline var message: [UInt8]
        @usableFromInline var trailers: Metadata
    }

    private let call: ClientCall

    @usableFromInline
    init(_ channel: ServiceChannel, _ method: MethodDescriptor, _ options: CallOptions) {
        call = channel.makeCall(method, options)
    }

    /// Ends the call if it has not ended.
    @usableFromInline
    func leave() {
        call.leave()
    }

    // MARK: - The request

    /// Begins a call with one request.
    ///
    /// - Throws: `RPCError` when the caller was cancelled while the middleware began.
    @usableFromInline
    func begin(_ metadata: Metadata, _ request: [UInt8]) async throws {
        await call.write(metadata)
        if Task.isCancelled { throw RPCError(describing: CancellationError()) }
        call.writeOnly(request)
    }

    /// Begins a call with a stream of requests, which a closure writes.
    @usableFromInline
    func write(_ metadata: Metadata, _ produce: () async throws -> Void) async {
        await call.write(metadata)
        do {
            try await produce()
            call.finishRequest()
        } catch let error as RPCError {
            call.failRequest(with: error)
        } catch let error as any RPCErrorConvertible {
            call.failRequest(with: RPCError(error))
        } catch is CancellationError {
            call.failRequest(with: RPCError(describing: CancellationError()))
        } catch {
            call.failRequest(with: RPCError(code: .unknown, message: "Write failed.", cause: error))
        }
    }

    /// Sends a request of a stream; suspends while there is no room for more.
    ///
    /// - Throws: `RPCError` if the call has ended.
    @usableFromInline
    func send(_ request: [UInt8]) async throws {
        try await call.write(request)
    }

    // MARK: - The response

    /// The next part of the response; `nil` behind its end.
    ///
    /// - Throws: `RPCError` when the call failed.
    @usableFromInline
    func next() async throws(RPCError) -> RPCResponsePart<[UInt8]>? {
        try await call.next()
    }

    /// The response of a call that has one message in it.
    ///
    /// - Throws: `RPCError` when the call failed, or the response has another number of messages.
    @usableFromInline
    func onlyMessage() async throws(RPCError) -> Answer {
        var metadata = Metadata()
        var message: [UInt8]?
        while true {
            // The whole response is mostly there at once, and taken without a further wait.
            switch try call.poll() {
            case .wait(let event):
                try await call.wait(for: event)
            case .ready(.metadata(let head)):
                metadata = head
            case .ready(.message(let bytes)):
                guard message == nil else { throw Self.tooManyMessages }
                message = bytes
            case .ready(.status(_, let trailers)):
                guard let message else { throw Self.noMessage }
                return Answer(metadata: metadata, message: message, trailers: trailers)
            case .ready(nil):
                throw RPCError(code: .unknown, message: "the call has ended")
            }
        }
    }

    /// The response of a call that has one message in it, also of one that failed.
    @inlinable
    func response<Response: Sendable>(
        _ deserializer: some MessageDeserializer<Response>
    ) async -> ClientResponse<Response> {
        do {
            let answer = try await onlyMessage()
            let message = try deserializer.deserialize(answer.message)
            return ClientResponse(message: message, metadata: answer.metadata, trailingMetadata: answer.trailers)
        } catch {
            return ClientResponse(error: RPCError(callError: error))
        }
    }

    /// The response of a call with a stream of messages, once its head has come.
    @inlinable
    func streamingResponse<Response: Sendable>(
        _ deserializer: some MessageDeserializer<Response>
    ) async -> StreamingClientResponse<Response> {
        do {
            switch try await next() {
            case .metadata(let metadata):
                let parts = DirectMessages<StreamingClientResponse<Response>.Contents.BodyPart> {
                    switch try await next() {
                    case .message(let bytes): .message(try deserializer.deserialize(bytes))
                    case .status(_, let trailers): .trailingMetadata(trailers)
                    case .metadata, nil: nil
                    }
                }
                return StreamingClientResponse(metadata: metadata, bodyParts: RPCAsyncSequence(wrapping: parts))
            case .status(_, let trailers):
                let parts = AsyncThrowingStream<StreamingClientResponse<Response>.Contents.BodyPart, any Error> {
                    $0.yield(.trailingMetadata(trailers))
                    $0.finish()
                }
                return StreamingClientResponse(metadata: [:], bodyParts: RPCAsyncSequence(wrapping: parts))
            case .message, nil:
                return StreamingClientResponse(error: RPCError(code: .unknown, message: "the call has ended"))
            }
        } catch {
            return StreamingClientResponse(error: error)
        }
    }

    /// Writes the requests of a stream.
    @inlinable
    func writer<Request: Sendable>(_ serializer: some MessageSerializer<Request>) -> RPCWriter<Request> {
        RPCWriter(wrapping: DirectWriter { try await send(serializer.serialize($0)) })
    }

    // GRPCCore has the same errors.
    private static let tooManyMessages = RPCError(
        code: .unimplemented,
        message:
            "Multiple messages received, but only one is expected. The server may have incorrectly implemented the RPC "
            + "or the client and server may have a different opinion on whether this RPC streams responses."
    )
    private static let noMessage = RPCError(
        code: .unimplemented, message: "No messages received, exactly one was expected."
    )
}

extension RPCError {
    /// The error of a call for the code that made it.
    @usableFromInline
    init(callError error: any Error) {
        self.init(describing: error)
    }
}
