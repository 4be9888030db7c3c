internal import AsyncHTTPClient
internal import NIOCore

/// The body of a request that a client sends.
public struct RequestContent: Sendable {
    let body: HTTPClientRequest.Body?
    /// Whether the body can be sent again, to another instance.
    let isRepeatable: Bool

    /// No body.
    public static let none = RequestContent(body: nil, isRepeatable: true)

    /// A body that is there as a whole.
    public static func bytes(_ bytes: [UInt8]) -> RequestContent {
        RequestContent(body: .bytes(ByteBuffer(bytes: bytes)), isRepeatable: true)
    }

    /// A body that is sent piece by piece. A call with such a body is made once, unless no connection could be made.
    ///
    /// - Parameters:
    ///   - pieces: The pieces, in order. An error ends the call.
    ///   - length: The number of bytes, if it is known. Another number ends the call with an error.
    public static func stream<Pieces: AsyncSequence & Sendable>(
        _ pieces: Pieces, length: Int? = nil
    ) -> RequestContent where Pieces.Element == [UInt8] {
        RequestContent(
            body: .stream(
                pieces.map { ByteBuffer(bytes: $0) }, length: length.map { .known(Int64($0)) } ?? .unknown),
            isRepeatable: false
        )
    }
}
