import GRPCCore
import ServiceKit
import ServiceKitGRPC
import ServiceKitProtobuf

/// The end of a call that failed, in the forms of the protocols.
struct CallError {
    let status: Status
    /// The trailers, without the details.
    let trailers: Metadata
    private let error: RPCError
    private static let detailsName = "grpc-status-details-bin"

    /// `nil` for a call that went well.
    init?(_ status: Status, _ trailers: Metadata) {
        guard let error = RPCError(status: status, metadata: trailers) else { return nil }
        self.error = error
        self.status = status
        var trailers = trailers
        trailers.removeAllValues(forKey: Self.detailsName)
        trailers.removeAllValues(forKey: RPCError.httpStatusName)
        self.trailers = trailers
    }

    /// The error of the kit.
    var serviceError: ServiceError { error.serviceError }

    /// The header `retry-after` of a refusal for which gRPC has `grpc-retry-pushback-ms`: whole seconds, rounded up. `nil` for
    /// any other error, and for a refusal that concerns this server only: another one may serve the call at once.
    var retryAfter: Int? {
        guard status.code == .resourceExhausted,
            trailers[stringValues: CallRefusal.trailer].first(where: { _ in true }) == nil,
            let text = trailers[stringValues: "grpc-retry-pushback-ms"].first(where: { _ in true }),
            let milliseconds = Int(text), milliseconds >= 0
        else { return nil }
        return milliseconds / 1000 + (milliseconds % 1000 == 0 ? 0 : 1)
    }

    // MARK: - Connect (https://connectrpc.com/docs/protocol#error-end-stream)

    /// The code's name in Connect: `not_found`.
    var connectCode: String {
        status.code == .cancelled ? "canceled" : error.code.name.lowercased()
    }

    /// The HTTP status of a unary response in Connect.
    var connectStatus: Int {
        switch error.code {
        case .cancelled: 499
        case .invalidArgument, .failedPrecondition, .outOfRange: 400
        case .deadlineExceeded: 504
        case .notFound: 404
        case .alreadyExists, .aborted: 409
        case .permissionDenied: 403
        case .resourceExhausted: 429
        case .unimplemented: 501
        case .unavailable: 503
        case .unauthenticated: 401
        default: 500
        }
    }

    /// `{"code":"not_found","message":"…","details":[{"type":"…","value":"…"}]}`.
    var connectJSON: JSONValue {
        var members: [JSONValue.Member] = [.init("code", .string(connectCode))]
        if !status.message.isEmpty { members.append(.init("message", .string(status.message))) }
        if !details.isEmpty {
            let values = details.map { detail in
                JSONValue.object([
                    .init("type", .string(detail.type)),
                    .init("value", .string(String(Base64.encode(detail.value).prefix { $0 != "=" }))),
                ])
            }
            members.append(.init("details", .array(values)))
        }
        return .object(members)
    }

    /// The details of the error, by the full names of their messages.
    private var details: [(type: String, value: ArraySlice<UInt8>)] {
        guard let bytes = error.metadata[binaryValues: Self.detailsName].first(where: { _ in true }) else { return [] }
        return (try? Self.fields(number: 3, of: bytes[...]).compactMap(Self.detail)) ?? []
    }

    /// Reads a `google.protobuf.Any`.
    private static func detail(_ bytes: ArraySlice<UInt8>) throws(DescriptorError) -> (String, ArraySlice<UInt8>)? {
        guard let url = try fields(number: 1, of: bytes).last else { return nil }
        let name = String(decoding: url, as: UTF8.self).split(separator: "/").last.map(String.init) ?? ""
        return (name, try fields(number: 2, of: bytes).last ?? [])
    }

    /// The values of a field of a `google.rpc.Status` or `google.protobuf.Any`.
    private static func fields(
        number: Int32, of bytes: ArraySlice<UInt8>
    ) throws(DescriptorError) -> [ArraySlice<UInt8>] {
        var reader = WireReader(bytes)
        var values: [ArraySlice<UInt8>] = []
        while !reader.isAtEnd {
            let (found, type) = try reader.tag()
            if found == number, type == .delimited {
                values.append(try reader.delimited())
            } else {
                try reader.skip(type, number: found, depth: 10)
            }
        }
        return values
    }

    // MARK: - REST

    /// Whether the error tells its HTTP status.
    var isCodeExact: Bool { error.metadata[stringValues: RPCError.httpStatusName].contains { _ in true } }

    /// The body of an error in the form of `google.rpc.Status`, with `google.rpc.ErrorInfo` and `google.rpc.BadRequest`.
    var googleJSON: JSONValue {
        let error = serviceError
        let prefix = "type.googleapis.com/google.rpc."
        let metadata = error.metadata.sorted { $0.key < $1.key }
        var details = [
            JSONValue.object([
                .init("@type", .string(prefix + "ErrorInfo")),
                .init("reason", .string(error.reason)),
                .init("domain", .string("")),
                .init("metadata", .object(metadata.map { .init($0.key, .string($0.value)) })),
            ])
        ]
        if !error.violations.isEmpty {
            let violations = error.violations.map { violation in
                JSONValue.object([
                    .init("field", .string(violation.field)),
                    .init("description", .string(violation.description)),
                    .init("reason", .string(violation.reason)),
                ])
            }
            details.append(
                .object([
                    .init("@type", .string(prefix + "BadRequest")),
                    .init("fieldViolations", .array(violations)),
                ]))
        }
        return .object([
            .init("code", .number(String(status.code.rawValue))),
            .init("message", .string(error.message)),
            .init("details", .array(details)),
        ])
    }

    /// The body of an error in go-kratos's form: `{"code":404,"reason":"USER_NOT_FOUND","message":"…","metadata":{}}`.
    var kratosJSON: JSONValue {
        let error = serviceError
        let metadata = error.metadata.sorted { $0.key < $1.key }
        return .object([
            .init("code", .number(String(error.code.rawValue))),
            .init("reason", .string(error.reason)),
            .init("message", .string(error.message)),
            .init("metadata", .object(metadata.map { .init($0.key, .string($0.value)) })),
        ])
    }
}
