import GRPCCore
import ServiceKitHTTP2

/// The parts of a response that are to be sent, in this order.
struct ResponseParts: Sendable {
    var head: HeaderBlock?
    var body: [UInt8] = []
    var end: StreamEnd?
    /// Whether the response ends in the middle: the client learns that it is not whole.
    var isBroken = false

    /// Nothing yet.
    static let none = ResponseParts()
}

/// Writes the response of a call in the form of a protocol.
protocol ResponseWriter: Sendable {
    /// The response begins.
    mutating func begin(_ metadata: Metadata) throws -> ResponseParts
    /// A message, in the wire format.
    mutating func write(_ message: [UInt8]) throws -> ResponseParts
    /// The call has ended. It may not have begun.
    mutating func end(_ status: Status, _ trailers: Metadata) -> ResponseParts
}
