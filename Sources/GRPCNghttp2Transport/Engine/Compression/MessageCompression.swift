/// Whether the messages that a task sends are compressed, in calls that compress.
enum MessageCompression {
    @TaskLocal static var isEnabled = true
}

extension OutboundMessage {
    /// A message, compressed if it is to be and if that makes it smaller.
    init(_ bytes: [UInt8], _ encoding: MessageEncoding, limit: Int) throws(StreamFailure) {
        guard bytes.count <= limit else { throw .outboundMessageTooLarge(bytes: bytes.count, limit: limit) }
        if encoding != .identity, MessageCompression.isEnabled, let compressed = Zlib.compress(bytes, encoding) {
            self.init(bytes: compressed, isCompressed: true)
        } else {
            self.init(bytes: bytes)
        }
    }
}

/// Sends messages uncompressed, or compressed again, in a call whose compression is on.
///
/// What is compressed already, or is secret beside what others can choose (the CRIME and BREACH attacks), is better sent
/// as it is:
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
///   - body: What writes messages.
/// - Returns: What `body` returns.
/// - Throws: What `body` throws.
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
        // `withValue` throws only what `body` throws.
        preconditionFailure("\(error)")
    }
}
