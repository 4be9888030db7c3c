public import GRPCCore
public import GRPCProtobuf
public import SwiftProtobuf

/// Reads requests of a type, and checks them if they can be checked.
@usableFromInline
struct RequestDeserializer<Request: SwiftProtobuf.Message>: MessageDeserializer {
    @usableFromInline let check: MessageCheck<Request>

    @inlinable
    init() {
        check = MessageCheck()
    }

    @inlinable
    func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> Request {
        let request = try ProtobufDeserializer<Request>().deserialize(bytes)
        try check(request)
        return request
    }
}
