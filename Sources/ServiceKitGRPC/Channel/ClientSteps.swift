internal import GRPCCore
internal import ServiceKit
private import Synchronization

/// Middleware around a call that waits for nothing: its first steps are taken when the call's headers are there, its last
/// ones when the call has ended.
final class ClientSteps: Sendable {
    private let path: String
    private let peer: String
    private let deadline: ContinuousClock.Instant?
    private let steps: [any StepwiseMiddleware]
    /// What is to be told how the call ended, the outermost first; `nil` when it was.
    private let last = Mutex<[StepwiseMiddleware.CallEnded]?>([])

    /// - Parameters:
    ///   - path: The method's, with a slash in front.
    ///   - peer: What is called.
    ///   - deadline: When the caller wants the call to have ended.
    ///   - steps: The middleware.
    init(path: String, peer: String, deadline: ContinuousClock.Instant?, _ steps: [any StepwiseMiddleware]) {
        self.path = path
        self.peer = peer
        self.deadline = deadline
        self.steps = steps
    }

    /// Takes the first steps.
    ///
    /// - Parameter headers: Those that the caller wrote.
    /// - Returns: What the call begins with.
    /// - Throws: The error that answers the call.
    func begin(_ headers: Metadata) throws -> (headers: Metadata, deadline: ContinuousClock.Instant?) {
        var call = Call(
            side: .client,
            transport: "grpc",
            path: path,
            peer: peer,
            metadata: CallMetadata(headers),
            deadline: deadline
        )
        for step in steps {
            if let ended = try step.begin(&call) { last.withLock { $0?.append(ended) } }
        }
        return (Metadata(call.metadata), call.deadline)
    }

    /// Takes the last steps, the first time that it is called.
    func end(with outcome: Result<CallResult, any Error>) {
        let ended = last.withLock { last in
            defer { last = nil }
            return last ?? []
        }
        for ended in ended.reversed() { ended(outcome) }
    }
}
