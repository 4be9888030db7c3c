public import GRPCCore

// Generated stubs make their calls through these functions. They are inlined, so that the code of each call is specialized
// for its messages.
extension ServiceChannel {
    /// Makes a call with one request and one response, in the task of the caller.
    ///
    /// - Parameters:
    ///   - request: The request.
    ///   - method: The method.
    ///   - serializer: Writes requests.
    ///   - deserializer: Reads responses.
    ///   - metadata: Headers of the request; none by default.
    ///   - options: The time limit, whether the call waits for ready, and how large messages may be. The retry policy in
    ///     here is not used: the channel has its own.
    /// - Returns: The response.
    /// - Throws: `RPCError` when the call fails.
    @inlinable
    public func unary<Request: Sendable, Response: Sendable>(
        _ request: Request,
        _ method: MethodDescriptor,
        serializer: some MessageSerializer<Request>,
        deserializer: some MessageDeserializer<Response>,
        metadata: Metadata = [:],
        options: CallOptions = .defaults
    ) async throws -> Response {
        let call = DirectClientCall(self, method, options)
        defer { call.leave() }
        try await call.begin(metadata, serializer.serialize(request))
        return try await deserializer.deserialize(call.onlyMessage().message)
    }

    /// Makes a call with one request and one response, and gives the response with its metadata to a closure.
    ///
    /// - Parameters:
    ///   - request: The request.
    ///   - method: The method.
    ///   - serializer: Writes requests.
    ///   - deserializer: Reads responses.
    ///   - metadata: Headers of the request; none by default.
    ///   - options: See ``unary(_:_:serializer:deserializer:metadata:options:)``.
    ///   - handleResponse: Gets the response, also that of a call that has failed.
    /// - Returns: The result of the closure.
    /// - Throws: The error of the closure.
    @inlinable
    public func unary<Request: Sendable, Response: Sendable, Result: Sendable>(
        _ request: Request,
        _ method: MethodDescriptor,
        serializer: some MessageSerializer<Request>,
        deserializer: some MessageDeserializer<Response>,
        metadata: Metadata = [:],
        options: CallOptions = .defaults,
        onResponse handleResponse: (_ response: ClientResponse<Response>) async throws -> Result
    ) async throws -> Result {
        let call = DirectClientCall(self, method, options)
        defer { call.leave() }
        let response: ClientResponse<Response>
        do {
            try await call.begin(metadata, serializer.serialize(request))
            response = await call.response(deserializer)
        } catch {
            response = ClientResponse(error: RPCError(callError: error))
        }
        return try await handleResponse(response)
    }

    /// Makes a call with one request and a stream of responses.
    ///
    /// - Parameters:
    ///   - request: The request.
    ///   - method: The method.
    ///   - serializer: Writes requests.
    ///   - deserializer: Reads responses.
    ///   - metadata: Headers of the request; none by default.
    ///   - options: See ``unary(_:_:serializer:deserializer:metadata:options:)``.
    /// - Returns: The responses. The call begins when they are read.
    @inlinable
    public func serverStreaming<Request: Sendable, Response: Sendable>(
        _ request: Request,
        _ method: MethodDescriptor,
        serializer: some MessageSerializer<Request>,
        deserializer: some MessageDeserializer<Response>,
        metadata: Metadata = [:],
        options: CallOptions = .defaults
    ) -> ResponseStream<Response> {
        ResponseStream(
            makeCall: { DirectClientCall(self, method, options) },
            begin: { try await $0.begin(metadata, serializer.serialize(request)) },
            read: deserializer.deserialize
        )
    }

    /// Makes a call with one request and a stream of responses, and gives the response with its metadata to a closure.
    ///
    /// - Parameters:
    ///   - request: The request.
    ///   - method: The method.
    ///   - serializer: Writes requests.
    ///   - deserializer: Reads responses.
    ///   - metadata: Headers of the request; none by default.
    ///   - options: See ``unary(_:_:serializer:deserializer:metadata:options:)``.
    ///   - handleResponse: Gets the response when its head has come. The call ends when the closure returns.
    /// - Returns: The result of the closure.
    /// - Throws: The error of the closure.
    @inlinable
    public func serverStreaming<Request: Sendable, Response: Sendable, Result: Sendable>(
        _ request: Request,
        _ method: MethodDescriptor,
        serializer: some MessageSerializer<Request>,
        deserializer: some MessageDeserializer<Response>,
        metadata: Metadata = [:],
        options: CallOptions = .defaults,
        onResponse handleResponse: (_ response: StreamingClientResponse<Response>) async throws -> Result
    ) async throws -> Result {
        let call = DirectClientCall(self, method, options)
        defer { call.leave() }
        let response: StreamingClientResponse<Response>
        do {
            try await call.begin(metadata, serializer.serialize(request))
            response = await call.streamingResponse(deserializer)
        } catch {
            response = StreamingClientResponse(error: RPCError(callError: error))
        }
        return try await handleResponse(response)
    }

    /// Makes a call with a stream of requests and one response.
    ///
    /// - Parameters:
    ///   - method: The method.
    ///   - serializer: Writes requests.
    ///   - deserializer: Reads responses.
    ///   - metadata: Headers of the request; none by default.
    ///   - options: See ``unary(_:_:serializer:deserializer:metadata:options:)``.
    ///   - produce: Writes the requests, in a task of its own. It is cancelled when the call has ended; the call fails when
    ///     it throws.
    ///   - handleResponse: Gets the response, also that of a call that has failed.
    /// - Returns: The result of the closure.
    /// - Throws: The error of the closure.
    @inlinable
    public func clientStreaming<Request: Sendable, Response: Sendable, Result: Sendable>(
        _ method: MethodDescriptor,
        serializer: some MessageSerializer<Request>,
        deserializer: some MessageDeserializer<Response>,
        metadata: Metadata = [:],
        options: CallOptions = .defaults,
        requestProducer produce: @escaping @Sendable (_ writer: RPCWriter<Request>) async throws -> Void,
        onResponse handleResponse: (_ response: ClientResponse<Response>) async throws -> Result
    ) async throws -> Result {
        let call = DirectClientCall(self, method, options)
        defer { call.leave() }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await call.write(metadata) {
                    try await produce(call.writer(serializer))
                }
            }
            defer { group.cancelAll() }
            return try await handleResponse(await call.response(deserializer))
        }
    }

    /// Makes a call with a stream of requests and a stream of responses.
    ///
    /// - Parameters:
    ///   - method: The method.
    ///   - serializer: Writes requests.
    ///   - deserializer: Reads responses.
    ///   - metadata: Headers of the request; none by default.
    ///   - options: See ``unary(_:_:serializer:deserializer:metadata:options:)``.
    ///   - produce: Writes the requests, in a task of its own. It is cancelled when the call has ended; the call fails when
    ///     it throws.
    ///   - handleResponse: Gets the response when its head has come. The call ends when the closure returns.
    /// - Returns: The result of the closure.
    /// - Throws: The error of the closure.
    @inlinable
    public func bidirectionalStreaming<Request: Sendable, Response: Sendable, Result: Sendable>(
        _ method: MethodDescriptor,
        serializer: some MessageSerializer<Request>,
        deserializer: some MessageDeserializer<Response>,
        metadata: Metadata = [:],
        options: CallOptions = .defaults,
        requestProducer produce: @escaping @Sendable (_ writer: RPCWriter<Request>) async throws -> Void,
        onResponse handleResponse: (_ response: StreamingClientResponse<Response>) async throws -> Result
    ) async throws -> Result {
        let call = DirectClientCall(self, method, options)
        defer { call.leave() }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await call.write(metadata) {
                    try await produce(call.writer(serializer))
                }
            }
            defer { group.cancelAll() }
            return try await handleResponse(await call.streamingResponse(deserializer))
        }
    }
}
