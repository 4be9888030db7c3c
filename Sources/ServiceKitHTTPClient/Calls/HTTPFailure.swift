internal import AsyncHTTPClient
internal import GRPCCore
internal import GRPCNghttp2Transport
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import ServiceKit
internal import ServiceKitConcurrency
internal import ServiceKitGRPC
#if canImport(Glibc)
private import Glibc
#elseif canImport(Musl)
private import Musl
#else
private import Darwin
#endif

/// The failure of an attempt that has no response.
struct HTTPFailure: Error {
    let status: CallStatus
    let error: ServiceError
    /// Whether the instance may have begun to process the call.
    let wasSent: Bool
    /// Whether no connection could be made.
    let isUnreachable: Bool

    /// Reads an error of AsyncHTTPClient, or of the network.
    init(_ error: any Error) {
        switch error {
        case let error as HTTPFailure:
            self = error
        case is CancellationError:
            self.init(.cancelled, "the call was cancelled")
        case is TimeLimitExceeded:
            self = .late
        case let error where Self.isOfConnecting(error):
            self.init(.unavailable, "no connection: \(Self.text(error))", wasSent: false, isUnreachable: true)
        case is IOError, is ChannelError, is NIOSSLError:
            self.init(.unavailable, "the connection was lost: \(Self.text(error))")
        case is HTTPParserError:
            self.init(.unavailable, "the response is broken off, or not one of HTTP/1.1: \(Self.text(error))")
        case let error as HTTPClientError:
            switch error {
            case .cancelled: self.init(.cancelled, "the call was cancelled")
            case .deadlineExceeded: self = .late
            case .remoteConnectionClosed, .readTimeout, .writeTimeout, .uncleanShutdown:
                self.init(.unavailable, "the connection was lost: \(Self.text(error))")
            // AsyncHTTPClient does not send a request that is at fault.
            default:
                self.init(.invalidArgument, "the request cannot be sent: \(Self.text(error))", wasSent: false)
            }
        default:
            self.init(.unknown, "the call failed: \(Self.text(error))")
        }
    }

    private static let late = HTTPFailure(.deadlineExceeded, "the deadline passed before the response was there")

    /// The failure of a call whose time is over.
    var afterDeadline: HTTPFailure {
        if case .cancelled = status { return self }
        return HTTPFailure(.deadlineExceeded, Self.late.error.message, wasSent: wasSent, isUnreachable: isUnreachable)
    }

    private init(_ status: CallStatus, _ message: String, wasSent: Bool = true, isUnreachable: Bool = false) {
        self.status = status
        self.wasSent = wasSent
        self.isUnreachable = isUnreachable
        error = ServiceError(ServiceError.Code(status), reason: status.name, message: message)
    }

    private static func isOfConnecting(_ error: any Error) -> Bool {
        switch error {
        case is NIOConnectionError, is NIOSSLExtraError: true
        // The kernel says so only of a connection that is being made.
        case let error as IOError: [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH].contains(error.errnoCode)
        case let error as ChannelError: if case .connectTimeout = error { true } else { false }
        case let error as NIOSSLError: if case .handshakeFailed = error { true } else { false }
        case let error as HTTPClientError:
            error == .connectTimeout || error == .tlsHandshakeTimeout || error == .getConnectionFromPoolTimeout
        default: false
        }
    }

    private static func text(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { text($0.error) } ?? "\(error.host) has no address"
        case let error as HTTPClientError: error.shortDescription
        default: "\(error)"
        }
    }

    /// The form in which a node tells that it cannot be reached.
    var rpcError: RPCError {
        RPCError(code: .unavailable, message: error.message, cause: CallNotProcessed())
    }
}
