#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif
import NIOCore
import NIOPosix

/// Says in a few words why connecting failed.
enum ConnectFailure {
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
        default:
            return "\(error)"
        }
    }
}
