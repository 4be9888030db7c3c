import Glibc
import NIOCore
import NIOPosix
import NIOSSL

/// Says in a few words why connecting failed, or why a connection was lost.
enum ConnectionError {
    static func reason(_ error: any Error) -> String {
        switch error {
        case let error as IOError:
            return SystemLimit.reason(of: error.errnoCode)
        case let error as NIOConnectionError:
            // One error for each address that the name stands for; the last is as good as any.
            let last = error.connectionErrors.last?.error ?? error.dnsAError ?? error.dnsAAAAError
            return last.map(Self.reason) ?? "\(error)"
        case ChannelError.connectTimeout(let timeout):
            return "there was no answer within \(Duration(timeout))"
        case SocketAddressError.unknown(let host, _):
            return "no address is known for the name \"\(host)\""
        case SocketAddressError.unixDomainSocketPathTooLong:
            return "the path of a Unix domain socket has at most 107 bytes"
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            return "TLS: \(error)"
        default:
            return "\(error)"
        }
    }
}
