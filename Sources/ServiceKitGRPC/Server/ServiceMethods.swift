public import GRPCCore
internal import GRPCNghttp2Transport
public import GRPCProtobuf
public import SwiftProtobuf

/// The methods of a service that an App serves directly: a call goes from the request's bytes to the function of the
/// service and back in one task, without GRPCCore's executor.
///
/// The code that `kit proto generate` writes for a service adds the methods:
///
/// ```swift
/// app.serve(service, descriptors: [userDescriptors]) { methods in
///     methods.unary(User_V1_UserService.Method.GetUser.descriptor) {
///         try await service.getUser(request: $0, context: $1)
///     }
/// }
/// ```
/// The functions are inlined, so that the code of each call is specialized for its messages.
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
        let requests = RequestDeserializer<Request>()
        add(method) { call, context in
            let request = try requests.deserialize(await call.onlyMessage())
            try call.reply(ProtobufSerializer().serialize(await handler(request, context)))
            return [:]
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
            @escaping @Sendable (
                _ requests: RPCAsyncSequence<Request, any Error>, _ context: ServerContext
            ) async throws -> Response
    ) {
        let deserializer = RequestDeserializer<Request>()
        add(method) { call, context in
            let requests = call.messages(deserializer)
            try call.reply(ProtobufSerializer().serialize(await handler(requests, context)))
            return [:]
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
            @escaping @Sendable (
                _ request: Request, _ responses: RPCWriter<Response>, _ context: ServerContext
            ) async throws -> Void
    ) {
        let requests = RequestDeserializer<Request>()
        add(method) { call, context in
            let request = try requests.deserialize(await call.onlyMessage())
            try call.sendHead([:])
            try await handler(request, call.writer(ProtobufSerializer()), context)
            return [:]
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
                _ requests: RPCAsyncSequence<Request, any Error>,
                _ responses: RPCWriter<Response>,
                _ context: ServerContext
            ) async throws -> Void
    ) {
        let deserializer = RequestDeserializer<Request>()
        add(method) { call, context in
            let requests = call.messages(deserializer)
            try call.sendHead([:])
            try await handler(requests, call.writer(ProtobufSerializer()), context)
            return [:]
        }
    }

    /// Adds a method of any kind, with messages of any format, whose handler gets the request's headers and gives the
    /// response's.
    ///
    /// - Parameters:
    ///   - method: The method.
    ///   - deserializer: Reads the requests.
    ///   - serializer: Writes the responses.
    ///   - handler: Answers a call; the response ends when its producer returns.
    @inlinable
    public mutating func stream<Request: Sendable, Response: Sendable>(
        _ method: MethodDescriptor,
        deserializer: some MessageDeserializer<Request>,
        serializer: some MessageSerializer<Response>,
        _ handler:
            @escaping @Sendable (
                _ request: StreamingServerRequest<Request>, _ context: ServerContext
            ) async throws -> StreamingServerResponse<Response>
    ) {
        add(method) { call, context in
            let request = StreamingServerRequest(metadata: call.metadata, messages: call.messages(deserializer))
            let contents = try await handler(request, context).accepted.get()
            try call.sendHead(contents.metadata)
            return try await contents.producer(call.writer(serializer))
        }
    }

    /// Adds a method.
    ///
    /// - Parameters:
    ///   - method: The method.
    ///   - serve: Serves a call up to its trailers, which it returns.
    @usableFromInline
    mutating func add(
        _ method: MethodDescriptor,
        _ serve: @escaping @Sendable (_ call: DirectServerCall, _ context: ServerContext) async throws -> Metadata
    ) {
        handlers[method] = DirectHandler { call in
            do {
                return try await serve(DirectServerCall(call), call.context)
            } catch {
                // The middleware gets the error as it is.
                throw call.isHooked ? error : RPCError(describing: error)
            }
        }
    }
}
