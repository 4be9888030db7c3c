internal import GRPCCore
internal import GRPCNghttp2Transport
internal import ServiceKit
private import Synchronization

/// The answers for the errors of limits, each put together once.
///
/// A limit has one error, or two, and another one when its options change. So few are kept.
final class PreparedRefusals: Sendable {
    private static let most = 8

    private let entries = Mutex<[(error: PreparedError, refusal: ServerRefusal)]>([])

    func refusal(for error: PreparedError) -> ServerRefusal {
        entries.withLock { entries in
            for entry in entries where entry.error === error { return entry.refusal }
            if entries.count == Self.most { entries.removeFirst() }
            let refusal = ServerRefusal(RPCError(describing: error))
            entries.append((error, refusal))
            return refusal
        }
    }
}

extension ServerRefusal {
    convenience init(_ error: RPCError) {
        self.init(Status(code: Status.Code(error.code), message: error.message), error.metadata)
    }
}

/// The headers of a request of gRPC for which no call has been made.
struct ServerCallFields: CallHeadFields {
    let head: ServerCallHead

    func text(of name: String) -> String? { head.text(of: name) }

    var timeout: Duration? { head.timeout }
}
