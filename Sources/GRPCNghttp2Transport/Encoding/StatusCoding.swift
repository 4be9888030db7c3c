import GRPCCore
import ServiceKitHTTP2

extension HeaderBlock {
    /// The trailers of a call that went well and has nothing to add.
    static let ok = HeaderBlock([HeaderName.status: "0"])

    /// The fields that tell a call's outcome.
    ///
    /// The outcome has to get through: if the metadata cannot be sent, or is too large, the status becomes an error
    /// that says so.
    static func trailers(_ status: Status, _ metadata: Metadata, maxBytes: Int) -> HeaderBlock {
        if status.code == .ok, status.message.isEmpty, metadata.isEmpty {
            return Self.ok
        }
        var block = HeaderBlock(status)
        do throws(MetadataError) {
            try block.append(metadata)
        } catch {
            return HeaderBlock(Status(code: .internalError, message: "cannot send the trailing metadata: \(error)"))
        }
        guard block.listSize <= maxBytes else {
            let size = "\(block.listSize) bytes where \(maxBytes) are allowed"
            let status = Status(code: .resourceExhausted, message: "the status and trailing metadata take \(size)")
            return HeaderBlock(status)
        }
        return block
    }

    private init(_ status: Status) {
        self.init()
        append(name: HeaderName.status, value: String(status.code.rawValue))
        if !status.message.isEmpty {
            append(name: HeaderName.message, value: StatusMessage.encode(status.message))
        }
    }
}

extension StreamFailure {
    /// The error that a call with `peer` ends with.
    func rpcError(peer: String) -> RPCError {
        switch self {
        case .reset(let code):
            RPCError(code: Self.statusCode(code), message: "\(peer) reset the call: \(code)")
        case .refused(let reason):
            RPCError(code: .internalError, message: "this side refuses what \(peer) sent: \(reason)")
        case .notProcessed(let reason):
            RPCError(
                code: .unavailable, message: "\(peer) did not process the call: \(reason)", cause: CallNotProcessed()
            )
        case .peerRefused:
            RPCError(
                code: .unavailable, message: "\(peer) did not process the call: it refused the stream",
                cause: CallNotProcessed(isRefusal: true)
            )
        case .connectionLost(let reason):
            RPCError(code: .unavailable, message: "the connection to \(peer) was lost: \(reason)")
        case .cancelled:
            RPCError(code: .cancelled, message: "the call to \(peer) was cancelled")
        case .deadlineExceeded:
            RPCError(code: .deadlineExceeded, message: "the call to \(peer) did not complete before its deadline")
        case .bodyTooLarge(_, let bytes, let limit):
            RPCError(
                code: .resourceExhausted,
                message: "\(peer) sent a message of \(bytes) bytes; the largest accepted is \(limit) bytes"
            )
        case .truncatedBody:
            RPCError(code: .internalError, message: "\(peer) ended the call in the middle of a message")
        case .inboundHeadersTooLarge(let bytes, let limit):
            RPCError(
                code: .resourceExhausted,
                message: "\(peer) sent metadata of \(bytes) bytes; at most \(limit) bytes are accepted"
            )
        case .tooManyHeaderFields(let limit):
            RPCError(code: .resourceExhausted, message: "\(peer) sent metadata of more than \(limit) fields")
        case .bufferFull(let limit):
            RPCError(
                code: .resourceExhausted,
                message: "\(peer) sent more than \(limit) bytes on one connection that nobody has read yet"
            )
        case .outboundHeadersTooLarge(let bytes, let limit):
            RPCError(
                code: .resourceExhausted,
                message: "the metadata takes \(bytes) bytes; \(peer) accepts at most \(limit) bytes"
            )
        case .closed:
            RPCError(code: .failedPrecondition, message: "nothing can be written: the call with \(peer) has ended")
        case .protocolViolation(let reason):
            RPCError(code: .internalError, message: "the call with \(peer) failed: \(reason)")
        }
    }

    /// The status code that an HTTP/2 error means
    /// (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "HTTP2 Transport Mapping").
    private static func statusCode(_ code: HTTP2ErrorCode) -> RPCError.Code {
        switch code {
        case .refusedStream: .unavailable
        case .cancel: .cancelled
        case .enhanceYourCalm: .resourceExhausted
        case .inadequateSecurity: .permissionDenied
        default: .internalError
        }
    }
}

extension MessageError {
    /// The error that a call with `peer` ends with.
    func rpcError(peer: String) -> RPCError {
        switch self {
        case .tooLarge(let bytes, let limit):
            RPCError(
                code: .resourceExhausted, message: "the message takes \(bytes) bytes where \(limit) are allowed"
            )
        case .unknownEncoding(let name):
            RPCError(
                code: .internalError,
                message:
                    "\(peer) compresses messages as \"\(name)\" (header \"grpc-encoding\"), which cannot be read here")
        case .missingEncoding:
            RPCError(
                code: .internalError, message: "\(peer) sent a compressed message and did not say how it is compressed"
            )
        }
    }
}

extension RPCError {
    /// The error of a call whose stream has thrown `error`.
    static func from(_ error: any Error, peer: String) -> RPCError {
        switch error {
        case let failure as StreamFailure: failure.rpcError(peer: peer)
        case let error as MessageError: error.rpcError(peer: peer)
        case let error as RPCError: error
        case let error as MetadataError: RPCError(code: .internalError, message: error.description)
        case is CancellationError: StreamFailure.cancelled.rpcError(peer: peer)
        default: RPCError(code: .unknown, message: "the call with \(peer) failed", cause: error)
        }
    }
}
