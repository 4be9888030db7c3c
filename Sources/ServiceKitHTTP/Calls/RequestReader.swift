import GRPCNghttp2Transport

/// Reads the messages of a request out of its body.
///
/// | state | event | effect |
/// |---|---|---|
/// | the body comes | bytes | messages that are complete can be taken |
/// | the body comes | the end | the last messages can be taken |
/// | the request is complete | any | is not read |
protocol RequestReader: Sendable {
    /// Takes bytes of the body.
    ///
    /// - Throws: `RPCError` if they are not those of a request, or too many.
    mutating func receive(_ bytes: [UInt8]) throws
    /// The body has ended.
    ///
    /// - Throws: `RPCError` if something is missing.
    mutating func finish() throws
    /// Takes the next message that is complete, in the wire format.
    mutating func next() -> [UInt8]?
    /// Whether no message follows those that can be taken, although the body has not ended.
    var isComplete: Bool { get }
}

extension RequestReader {
    /// No: the end of the body tells.
    var isComplete: Bool { false }
}
