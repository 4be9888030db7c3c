import ServiceKitHTTP2

/// Whether the messages that a task sends are compressed, in calls that compress.
package enum MessageCompression {
    @TaskLocal package static var isEnabled = true
}

extension BodyPiece {
    /// A message, compressed if `encoding` says so and if that makes it smaller.
    ///
    /// - Parameters:
    ///   - message: The message.
    ///   - encoding: The encoding of the call's messages.
    ///   - isCompressed: Whether to compress the message. Default: what the task says.
    ///   - limit: The largest message, in bytes before compression.
    /// - Throws: `MessageError` if the message is larger.
    init(
        message: [UInt8],
        _ encoding: MessageEncoding,
        isCompressed: Bool? = nil,
        limit: Int
    ) throws(MessageError) {
        // The prefix has four bytes for the length.
        let limit = min(limit, Int(UInt32.max))
        guard message.count <= limit else { throw .tooLarge(bytes: message.count, limit: limit) }
        if encoding != .identity, isCompressed ?? MessageCompression.isEnabled,
            let compressed = Zlib.compress(message, encoding)
        {
            self.init(message: compressed, isCompressed: true)
        } else {
            self.init(message: message)
        }
    }
}

/// Sends messages uncompressed, or compressed again, in a call whose compression is on.
///
/// Send data as they are if they are compressed already, or if they hold a secret beside text that others can choose
/// (the CRIME and BREACH attacks):
///
/// ```swift
/// try await withMessageCompression(false) {
///     try await writer.write(thumbnail)
/// }
/// ```
///
/// In a call without compression it has no effect. The answer of a unary method is sent after its handler has returned,
/// so it is not reached this way; see ``Nghttp2ServerTransport/Context/setResponseCompression(_:)``.
///
/// - Parameters:
///   - isEnabled: Whether messages written in `body` are compressed.
///   - isolation: The actor that the body runs on; the caller's by default.
///   - body: Writes messages.
/// - Returns: The result of `body`.
/// - Throws: The error of `body`.
public func withMessageCompression<Result, Failure: Error>(
    _ isEnabled: Bool,
    isolation: isolated (any Actor)? = #isolation,
    _ body: () async throws(Failure) -> Result
) async throws(Failure) -> Result {
    do {
        return try await MessageCompression.$isEnabled.withValue(isEnabled) { try await body() }
    } catch let error as Failure {
        throw error
    } catch {
        // `withValue` throws only errors of `body`.
        preconditionFailure("\(error)")
    }
}
