internal import GRPCCore
internal import ServiceKit
private import Synchronization

/// A response whose status is kept for the middleware, while headers and messages pass.
final class HeldResponse: ClosableRPCWriterProtocol {
    typealias Element = RPCResponsePart<[UInt8]>

    private struct State {
        var added: CallMetadata = [:]
        var status: (Status, Metadata)?
    }

    private let base: RPCWriter<Element>.Closable
    private let state = Mutex(State())

    init(_ base: RPCWriter<Element>.Closable) {
        self.base = base
    }

    /// Sets headers to be added to the response's.
    func setMetadata(_ metadata: CallMetadata) {
        state.withLock { $0.added = metadata }
    }

    /// Whether the handler has ended the call.
    var hasStatus: Bool { state.withLock { $0.status != nil } }

    /// The trailers of a call that succeeded.
    ///
    /// - Throws: The error that the status stands for.
    func trailers() throws(RPCError) -> Metadata {
        guard let (status, trailers) = state.withLock(\.status) else {
            throw RPCError(code: .unknown, message: "the handler ended the call without a status")
        }
        if let error = RPCError(status: status, metadata: trailers) { throw error }
        return trailers
    }

    func write(_ element: Element) async throws {
        switch element {
        case .metadata(var metadata):
            metadata.append(state.withLock(\.added))
            try await base.write(.metadata(metadata))
        case .message:
            try await base.write(element)
        case .status(let status, let metadata):
            state.withLock { $0.status = (status, metadata) }
        }
    }

    func write(contentsOf elements: some Sequence<Element>) async throws {
        for element in elements { try await write(element) }
    }

    /// Does nothing: the response is finished when the middleware has ended.
    func finish() async {}

    func finish(throwing error: any Error) async {
        let error = RPCError(describing: error)
        let status = Status(code: Status.Code(error.code), message: error.message)
        state.withLock { state in
            if state.status == nil { state.status = (status, error.metadata) }
        }
    }
}
