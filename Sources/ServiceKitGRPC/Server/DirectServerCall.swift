public import GRPCCore
internal import GRPCNghttp2Transport

/// A call that is served without GRPCCore's executor.
@usableFromInline
struct DirectServerCall: Sendable {
    private let call: ServerCall

    init(_ call: ServerCall) {
        self.call = call
    }

    /// The headers of the request.
    @usableFromInline
    var metadata: Metadata { call.metadata }

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
    func nextMessage() async throws -> [UInt8]? {
        try await call.nextMessage()
    }

    /// The messages of the request.
    @inlinable
    func messages<Message: Sendable>(
        _ deserializer: some MessageDeserializer<Message>
    ) -> RPCAsyncSequence<Message, any Error> {
        RPCAsyncSequence(wrapping: DirectMessages { try await nextMessage().map(deserializer.deserialize) })
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
    /// - Throws: `RPCError` if the call has ended, or the headers are too large.
    @usableFromInline
    func sendHead(_ metadata: Metadata) throws {
        try call.sendHead(metadata)
    }

    /// Sends a message of a response that is a stream; suspends while there is no room for more.
    ///
    /// - Throws: `RPCError` if the call has ended, or the message is too large.
    @usableFromInline
    func send(_ message: [UInt8]) async throws {
        try await call.send(message)
    }

    /// Writes the messages of the response.
    @inlinable
    func writer<Message: Sendable>(_ serializer: some MessageSerializer<Message>) -> RPCWriter<Message> {
        RPCWriter(wrapping: DirectWriter { try await send(serializer.serialize($0)) })
    }
}
