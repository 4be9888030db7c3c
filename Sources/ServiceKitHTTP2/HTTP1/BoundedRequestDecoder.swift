import NIOCore
import NIOHTTP1

/// NIO's decoder of requests, with a bound that it lacks: for the bytes of a body that are no data.
///
/// A body in chunks has sizes, extensions and trailers beside its data. Nobody reads the extensions, and NIO's decoder takes
/// any number of their bytes. Here a body may have as many such bytes as a head, and 16 more for each byte of data.
final class BoundedRequestDecoder: ByteToMessageDecoder {
    typealias InboundOut = HTTPServerRequestPart

    /// How many other bytes come with one byte of data, in chunks of one byte: 5 without an extension.
    private static let bytesPerDataByte = 16

    private let decoder: HTTPRequestDecoder
    private let maxBytes: Int
    private var isInBody = false
    /// The bytes of the body that are no data, less those that its data allows; 0 at least.
    private var excess = 0

    init(_ decoder: HTTPRequestDecoder, maxBytes: Int) {
        self.decoder = decoder
        self.maxBytes = maxBytes
    }

    /// The decoder has made a part of the bytes that it reads.
    func made(_ part: HTTPServerRequestPart) {
        switch part {
        case .head:
            isInBody = true
            excess = 0
        case .body(let data):
            excess = max(0, excess - data.readableBytes * (1 + Self.bytesPerDataByte))
        case .end:
            isInBody = false
        }
    }

    func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
        excess += buffer.readableBytes
        let state = try decoder.decode(context: context, buffer: &buffer)
        excess = max(0, excess - buffer.readableBytes)
        if isInBody, excess > maxBytes { throw HTTPParserError.invalidChunkSize }
        return state
    }

    func decodeLast(
        context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool
    ) throws -> DecodingState {
        try decoder.decodeLast(context: context, buffer: &buffer, seenEOF: seenEOF)
    }

    func decoderAdded(context: ChannelHandlerContext) { decoder.decoderAdded(context: context) }

    func decoderRemoved(context: ChannelHandlerContext) { decoder.decoderRemoved(context: context) }
}
