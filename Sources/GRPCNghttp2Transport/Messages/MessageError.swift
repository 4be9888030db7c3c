/// A message that cannot be sent, or that arrived and cannot be read.
enum MessageError: Error, Hashable {
    /// This side's message is larger than the configuration allows.
    case tooLarge(bytes: Int, limit: Int)
    /// The peer compresses messages with an encoding that this side does not read.
    case unknownEncoding(String)
    /// The peer sent a compressed message without naming its encoding.
    case missingEncoding
}
