#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif
import NIOCore
import NIOPosix
import NIOSSL

/// Says in a few words why connecting failed, or why a connection was lost.
enum ConnectionError {
    static func reason(_ error: any Error) -> String {
        switch error {
        case let error as IOError:
            return String(cString: strerror(error.errnoCode))
        case let error as NIOConnectionError:
            // One error for each address that the name stands for; the last is as good as any.
            let last = error.connectionErrors.last?.error ?? error.dnsAError ?? error.dnsAAAAError
            return last.map(Self.reason) ?? "\(error)"
        case ChannelError.connectTimeout(let timeout):
            return "there was no answer within \(Duration(timeout))"
        case let error as NIOSSLError:
            return "TLS: \(Self.tlsReason(error))"
        case let error as NIOSSLExtraError:
            return "TLS: \(error)"
        case let error as BoringSSLError:
            return "TLS: \(error)"
        default:
            return "\(error)"
        }
    }

    private static func tlsReason(_ error: NIOSSLError) -> String {
        switch error {
        case .handshakeFailed(let error): "the handshake failed: \(error)"
        case .uncleanShutdown: "the peer closed the connection without saying so"
        default: "\(error)"
        }
    }
}
