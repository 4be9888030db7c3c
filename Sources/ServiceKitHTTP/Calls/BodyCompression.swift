import GRPCNghttp2Transport
import ServiceKitConfig
import ServiceKitHTTP2

/// The compression of bodies, by the coding gzip (RFC 9110, section 8.4).
struct BodyCompression: Sendable {
    private let minBytes: Int
    /// Whether the client reads compressed bodies.
    private let isAccepted: Bool

    /// `nil` if nothing is compressed.
    ///
    /// - Parameters:
    ///   - options: The section.
    ///   - accept: The request's header `accept-encoding`.
    init?(_ options: HTTPCompressionOptions, accept: String) {
        guard options.algorithm == .gzip else { return nil }
        minBytes = options.minBody.bytes
        isAccepted = Self.acceptsGzip(accept)
    }

    /// Compresses a body, and tells so in the head of the response.
    ///
    /// - Parameters:
    ///   - body: The body. It stays as it is if it is short, of a type that is compressed already, or not made smaller.
    ///   - type: Its media type.
    ///   - head: The head, still without the body's length.
    func apply(to body: inout [UInt8], of type: String, _ head: inout HeaderBlock) {
        head.append(name: "vary", value: "accept-encoding")
        guard isAccepted, body.count >= minBytes, Self.isCompressible(type),
            let compressed = Zlib.compress(body, .gzip)
        else { return }
        body = compressed
        head.append(name: "content-encoding", value: "gzip")
    }

    /// Compresses a stream from now on, and tells so in the head of the response.
    ///
    /// - Parameters:
    ///   - type: The media type of the stream.
    ///   - head: The head.
    /// - Returns: `nil` if the stream is sent as it is.
    func stream(of type: String, _ head: inout HeaderBlock) -> StreamCompressor? {
        head.append(name: "vary", value: "accept-encoding")
        guard isAccepted, Self.isCompressible(type), let compressor = StreamCompressor() else { return nil }
        head.append(name: "content-encoding", value: "gzip")
        return compressor
    }

    private static func isCompressible(_ type: String) -> Bool {
        let type = type.prefix { $0 != ";" }
        return type.hasPrefix("text/") || type.hasSuffix("+json") || type.hasSuffix("+xml")
            || [
                "application/json", "application/proto", "application/xml", "application/javascript",
                "application/wasm", "application/x-ndjson",
            ].contains(type)
    }

    /// Whether a header `accept-encoding` names gzip, or everything, with a weight above zero.
    static func acceptsGzip(_ header: String) -> Bool {
        var isAccepted = false
        for item in header.lowercased().split(separator: ",") {
            let parts = item.filter { $0 != " " && $0 != "\t" }.split(separator: ";")
            guard let name = parts.first, ["gzip", "x-gzip", "*"].contains(name) else { continue }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
            if name != "*" { return weight > 0 }
            isAccepted = weight > 0
        }
        return isAccepted
    }
}
