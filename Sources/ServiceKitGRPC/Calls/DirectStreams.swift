public import GRPCCore
public import GRPCProtobuf
public import SwiftProtobuf

/// The messages and trailers of a response, behind its head.
@usableFromInline
struct ResponseParts<Message: SwiftProtobuf.Message>: AsyncSequence, Sendable {
    @usableFromInline typealias Element = StreamingClientResponse<Message>.Contents.BodyPart
    @usableFromInline typealias Failure = any Error

    @usableFromInline let call: DirectClientCall
    @usableFromInline let deserializer: ProtobufDeserializer<Message>
    /// The trailers of a response that has no head.
    @usableFromInline let trailers: Metadata?

    @inlinable
    init(_ call: DirectClientCall, _ deserializer: ProtobufDeserializer<Message>, _ trailers: Metadata? = nil) {
        self.call = call
        self.deserializer = deserializer
        self.trailers = trailers
    }

    @inlinable
    func makeAsyncIterator() -> Iterator {
        Iterator(parts: self)
    }

    @usableFromInline
    struct Iterator: AsyncIteratorProtocol {
        @usableFromInline let parts: ResponseParts
        @usableFromInline var trailers: Metadata?

        @inlinable
        init(parts: ResponseParts) {
            self.parts = parts
            trailers = parts.trailers
        }

        @inlinable
        mutating func next() async throws -> Element? {
            try await next(isolation: #isolation)
        }

        @inlinable
        mutating func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> Element? {
            if let trailers {
                self.trailers = nil
                return .trailingMetadata(trailers)
            }
            switch try await parts.call.next(isolation: actor) {
            case .message(let bytes): return .message(try parts.deserializer.deserialize(bytes))
            case .status(_, let trailers): return .trailingMetadata(trailers)
            case .metadata, nil: return nil
            }
        }
    }
}

/// The requests of a call, as its producer writes them.
@usableFromInline
struct RequestStreamWriter<Message: SwiftProtobuf.Message>: RPCWriterProtocol {
    @usableFromInline typealias Element = Message

    @usableFromInline let call: DirectClientCall
    @usableFromInline let serializer: ProtobufSerializer<Message>

    @inlinable
    init(_ call: DirectClientCall, _ serializer: ProtobufSerializer<Message>) {
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
