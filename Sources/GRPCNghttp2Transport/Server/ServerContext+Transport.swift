public import GRPCCore
public import NIOSSL

extension Nghttp2ServerTransport.Context {
    /// The client's certificate, verified; `nil` without mutual TLS.
    public var peerCertificate: NIOSSLCertificate? { call.peerCertificate }

    /// Chooses how the messages of this call's response are compressed, in place of the configuration's choice.
    ///
    /// It has no effect once the response has begun, or if the client does not read messages compressed that way.
    /// - Parameter algorithm: How; `.none` for not at all.
    public func setResponseCompression(_ algorithm: CompressionAlgorithm) {
        call.setResponseEncoding(MessageEncoding(algorithm))
    }

    /// Whether the last message that was read came compressed.
    var receivedMessageWasCompressed: Bool { call.receivedMessageWasCompressed }
}
