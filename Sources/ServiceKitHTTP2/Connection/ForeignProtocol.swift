import NIOCore

/// The protocol that a peer speaks in place of HTTP/2 in clear text, as its first bytes tell.
enum ForeignProtocol {
    case tls
    case http1

    /// `nil` if nothing is known to be wrong.
    init?(firstBytes bytes: UnsafeRawBufferPointer) {
        // A record of an alert or of a handshake (RFC 8446, section 5.1).
        if bytes.count >= 2, bytes[0] == 21 || bytes[0] == 22, bytes[1] == 3 {
            self = .tls
        } else if bytes.starts(with: "HTTP/1".utf8) {
            self = .http1
        } else {
            return nil
        }
    }

    /// The reason that there is no connection, and the remedy.
    func reason(isServer: Bool) -> String {
        switch self {
        case .tls where isServer: "the client speaks TLS, and this server has no certificate; give it one"
        case .tls: "the server speaks TLS, and this client does not; connect by TLS"
        case .http1: "the peer answers in HTTP/1; is it a server of HTTP/2?"
        }
    }
}
