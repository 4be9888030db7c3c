import ServiceKitHTTP2

extension HTTP2Stream {
    /// Decompresses a message of the peer.
    func decompress(_ bytes: [UInt8], _ encoding: MessageEncoding, maxMessageBytes: Int) throws -> [UInt8] {
        guard encoding != .identity else { throw MessageError.missingEncoding }
        do throws(StreamFailure) {
            return try Zlib.decompress(bytes, encoding, limit: maxMessageBytes)
        } catch {
            if case .bodyTooLarge(let limit, _, _) = error { report(limit) }
            throw error
        }
    }
}
