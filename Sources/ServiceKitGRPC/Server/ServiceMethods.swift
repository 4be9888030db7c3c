public import GRPCCore
public import GRPCProtobuf
internal import GRPCNghttp2Transport
public import SwiftProtobuf

/// The methods of a service, which an App serves directly: a call goes from the request's bytes to the function of the
/// service and back in one task, without GRPCCore's executor.
///
/// The code that `kit proto generate` writes for a service adds its methods:
///
/// ```swift
/// app.serve(service) { methods in
///     methods.unary(User_V1_UserService.Method.GetUser.descriptor) {
///         try await service.getUser(request: $0, context: $1)
///     }
/// }
/// ```
/// The functions add a method for any messages of protobuf. They are inlined, so that the code of each call is specialized
/// for its messages.
public struct ServiceMethods: Sendable {
    private(set) var handlers: [MethodDescriptor: DirectHandler] = [:]

    @usableFromInline
    package init() {}

    /// Adds a method with one request and one response.
    ///
    /// - Parameters:
    ///   - method: The method.
    ///   - handler: Answers a call.
    @inlinable
    public mutating func unary<Request: Message, Response: Message>(
        _ method: MethodDescriptor,
        _ handler: @escaping @Sendable (_ request: Request, _ context: ServerContext) async throws -> Response
    ) {
        add(method) { call, context in
            let request = try ProtobufDeserializer<Request>().deserialize(await call.onlyMessage())
            try call.reply(ProtobufSerializer().serialize(await handler(request, context)))
        }
    }

    /// Adds a method with a stream of requests and one response.
    ///
    /// - Parameters:
    ///   - method: The method.
    ///   - handler: Answers a call.
    @inlinable
    public mutating func clientStreaming<Request: Message, Response: Message>(
        _ method: MethodDescriptor,
        _ handler:
            @escaping @Sendable (_ requests: RPCAsyncSequence<Request, any Error>, _ context: ServerContext) async throws ->
            Response
    ) {
        add(method) { call, context in
            let requests = RPCAsyncSequence(wrapping: RequestMessages(call, ProtobufDeserializer<Request>()))
            try call.reply(ProtobufSerializer().serialize(await handler(requests, context)))
        }
    }

    /// Adds a method with one request and a stream of responses.
    ///
    /// - Parameters:
    ///   - method: The method.
    ///   - handler: Answers a call; the response ends when it returns.
    @inlinable
    public mutating func serverStreaming<Request: Message, Response: Message>(
        _ method: MethodDescriptor,
        _ handler:
            @escaping @Sendable (_ request: Request, _ responses: RPCWriter<Response>, _ context: ServerContext) async throws ->
            Void
    ) {
        add(method) { call, context in
            let request = try ProtobufDeserializer<Request>().deserialize(await call.onlyMessage())
            try call.sendHead()
            try await handler(request, RPCWriter(wrapping: ResponseMessages(call, ProtobufSerializer())), context)
        }
    }

    /// Adds a method with a stream of requests and a stream of responses.
    ///
    /// - Parameters:
    ///   - method: The method.
    ///   - handler: Answers a call; the response ends when it returns.
    @inlinable
    public mutating func bidirectionalStreaming<Request: Message, Response: Message>(
        _ method: MethodDescriptor,
        _ handler:
            @escaping @Sendable (
                _ requests: RPCAsyncSequence<Request, any Error>, _ responses: RPCWriter<Response>, _ context: ServerContext
            ) async throws -> Void
    ) {
        add(method) { call, context in
            let requests = RPCAsyncSequence(wrapping: RequestMessages(call, ProtobufDeserializer<Request>()))
            try call.sendHead()
            try await handler(requests, RPCWriter(wrapping: ResponseMessages(call, ProtobufSerializer())), context)
        }
    }

    /// Adds a method.
    ///
    /// - Parameters:
    ///   - method: The method.
    ///   - serve: Serves a call, up to its status.
    @usableFromInline
    mutating func add(
        _ method: MethodDescriptor,
        _ serve: @escaping @Sendable (_ call: DirectCall, _ context: ServerContext) async throws -> Void
    ) {
        handlers[method] = { call, context in
            do {
                try await serve(DirectCall(call), context)
                return [:]
            } catch {
                // The middleware gets the error as it is.
                throw call.isHooked ? error : RPCError(describing: error)
            }
        }
    }
}

/// A call that is served directly.
@usableFromInline
struct DirectCall: Sendable {
    private let call: ServerCall

    init(_ call: ServerCall) {
        self.call = call
    }

    /// The message of a request that has one.
    ///
    /// - Throws: `RPCError` if the request has another number of messages, or the call ends before.
    @usableFromInline
    func onlyMessage() async throws -> [UInt8] {
        try await call.onlyMessage()
    }

    /// The next message of the request; `nil` behind the last.
    ///
    /// - Throws: `RPCError` if the call ends before.
    @usableFromInline
    func nextMessage(isolation: isolated (any Actor)?) async throws -> [UInt8]? {
        try await call.nextMessage(isolation: isolation)
    }

    /// Sends a response that has one message.
    ///
    /// - Throws: `RPCError` if the call has ended, or the message is too large.
    @usableFromInline
    func reply(_ message: [UInt8]) throws {
        try call.reply(message)
    }

    /// Sends the head of a response that is a stream.
    ///
    /// - Throws: `RPCError` if the call has ended.
    @usableFromInline
    func sendHead() throws {
        try call.sendHead()
    }

    /// Sends a message of a response that is a stream; suspends while there is no room for more.
    ///
    /// - Throws: `RPCError` if the call has ended, or the message is too large.
    @usableFromInline
    func send(_ message: [UInt8]) async throws {
        try await call.send(message)
    }
}

/// The requests of a call that is served directly.
@usableFromInline
struct RequestMessages<Message: SwiftProtobuf.Message>: AsyncSequence, Sendable {
    @usableFromInline typealias Element = Message
    @usableFromInline typealias Failure = any Error

    @usableFromInline let call: DirectCall
    @usableFromInline let deserializer: ProtobufDeserializer<Message>

    @inlinable
    init(_ call: DirectCall, _ deserializer: ProtobufDeserializer<Message>) {
        self.call = call
        self.deserializer = deserializer
    }

    @inlinable
    func makeAsyncIterator() -> Iterator {
        Iterator(messages: self)
    }

    @usableFromInline
    struct Iterator: AsyncIteratorProtocol {
        @usableFromInline let messages: RequestMessages

        @inlinable
        init(messages: RequestMessages) {
            self.messages = messages
        }

        @inlinable
        mutating func next() async throws -> Message? {
            try await next(isolation: #isolation)
        }

        @inlinable
        mutating func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> Message? {
            guard let message = try await messages.call.nextMessage(isolation: actor) else { return nil }
            return try messages.deserializer.deserialize(message)
        }
    }
}

/// The responses of a call that is served directly.
@usableFromInline
struct ResponseMessages<Message: SwiftProtobuf.Message>: RPCWriterProtocol {
    @usableFromInline typealias Element = Message

    @usableFromInline let call: DirectCall
    @usableFromInline let serializer: ProtobufSerializer<Message>

    @inlinable
    init(_ call: DirectCall, _ serializer: ProtobufSerializer<Message>) {
        self.call = call
        self.serializer = serializer
    }

    @inlinable
    func write(_ element: Message) async throws {
        try await call.send(serializer.serialize(element))
    }

    @inlinable
    func write(contentsOf elements: some Sequence<Message>) async throws {
        for element in elements { try await write(element) }
    }
}
