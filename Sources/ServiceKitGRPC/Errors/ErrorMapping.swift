public import GRPCCore
private import GRPCProtobuf
public import ServiceKit

/// ``ServiceError`` as gRPC's status: the code follows the table of go-kratos, `reason` and `metadata` travel as
/// `google.rpc.ErrorInfo` in `grpc-status-details-bin`.
extension ServiceError: RPCErrorConvertible {
    /// The gRPC code.
    public var rpcErrorCode: RPCError.Code { RPCError.Code(code) }

    /// The message.
    public var rpcErrorMessage: String { message }

    /// Reason and metadata, for programs.
    public var rpcErrorMetadata: Metadata {
        var details = [ErrorDetails.errorInfo(reason: reason, domain: "", metadata: metadata)]
        if !violations.isEmpty { details.append(.badRequest(violations: violations.map { .init($0) })) }
        var trailers = GoogleRPCStatus(code: rpcErrorCode, message: message, details: details).rpcErrorMetadata
        if ServiceError.Code(CallStatus(code)) != code {
            trailers.addString("\(code)", forKey: RPCError.httpStatusName)
        }
        return trailers
    }
}

extension RPCError: ServiceErrorConvertible {
    /// The error as it travels; its reason is that of the details, else the name of the gRPC code.
    public var serviceError: ServiceError {
        let details = (try? unpackGoogleRPCStatus())?.details ?? []
        let info = details.lazy.compactMap(\.errorInfo).first
        return ServiceError(
            httpStatus ?? ServiceError.Code(callStatus),
            reason: info?.reason ?? code.name,
            message: message,
            metadata: info?.metadata ?? [:],
            violations: details.compactMap(\.badRequest).flatMap(\.violations).map {
                ServiceError.FieldViolation(field: $0.field, description: $0.violationDescription, reason: $0.reason)
            }
        )
    }
}

extension RPCError {
    /// The trailer with the HTTP status of an error whose gRPC code stands for several: 410, 413.
    package static let httpStatusName = "x-http-status"

    private var httpStatus: ServiceError.Code? {
        guard let text = metadata[stringValues: Self.httpStatusName].first(where: { _ in true }),
            let number = Int(text),
            (400..<600).contains(number)
        else { return nil }
        return ServiceError.Code(rawValue: number)
    }
}

extension ErrorDetails.BadRequest.FieldViolation {
    fileprivate init(_ violation: ServiceError.FieldViolation) {
        self.init(
            field: violation.field,
            description: violation.description,
            reason: violation.reason,
            localizedMessage: nil
        )
    }
}

extension RPCError: CallStatusConvertible {
    package var callStatus: CallStatus { CallStatus(rawValue: code.rawValue) ?? .unknown }
}

extension RPCError.Code {
    /// The code's name in capitals, as gRPC documents write it: `NOT_FOUND`.
    package var name: String { (CallStatus(rawValue: rawValue) ?? .unknown).name }

    /// The gRPC code of an HTTP status.
    init(_ code: ServiceError.Code) {
        self = Status.Code(rawValue: CallStatus(code).rawValue).flatMap { Self($0) } ?? .unknown
    }
}

extension RPCError {
    /// The gRPC form of an error that a middleware or a handler threw.
    init(describing error: any Error) {
        switch error {
        case let error as RPCError:
            self = error
        case let error as PreparedError:
            self = error.form { prepared in
                var form = RPCError(prepared.serviceError)
                form.metadata.append(prepared.trailers)
                return form
            }
        case let error as any RPCErrorConvertible:
            self.init(error)
        case let error as any ServiceErrorConvertible:
            self.init(error.serviceError)
        case is CancellationError:
            self.init(code: .cancelled, message: "the call was cancelled")
        default:
            // Its text may hold secrets.
            self.init(code: .unknown, message: "unexpected error", cause: error)
        }
    }
}
