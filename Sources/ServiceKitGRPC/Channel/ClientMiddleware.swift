internal import GRPCCore
internal import ServiceKit
internal import ServiceKitConcurrency
private import Synchronization

/// Middleware around a call: it runs beside the call's reader and writer, between two gates. The call begins when the
/// middleware has passed it on, and its end is told to the reader when the middleware has had its word.
final class ClientMiddleware: Sendable {
    private let call: ClientCall
    private let pipeline: MiddlewarePipeline
    /// The headers as the caller wrote them.
    private let headers: Promise<Metadata>
    /// How the call ended, for the middleware.
    private let outcome = Promise<CallResult>()
    /// How the call ended, as the middleware has it.
    private let verdict = Promise<CallResult>()
    /// Whether the middleware has passed the call on.
    private let isPassedOn = Atomic(false)

    /// - Parameters:
    ///   - call: The call.
    ///   - headers: What the call puts its headers in.
    ///   - pipeline: The middleware.
    init(_ call: ClientCall, headers: Promise<Metadata>, _ pipeline: MiddlewarePipeline) {
        self.call = call
        self.headers = headers
        self.pipeline = pipeline
    }

    /// Runs the middleware; ends with the call.
    func run(path: String, peer: String, deadline: ContinuousClock.Instant?) async {
        do {
            let call = Call(
                side: .client,
                transport: "grpc",
                path: path,
                peer: peer,
                metadata: CallMetadata(try await headers.value()),
                deadline: deadline
            )
            let result = try await pipeline.run(call) { call in
                self.isPassedOn.store(true, ordering: .relaxed)
                self.call.begin(headers: Metadata(call.metadata), deadline: call.deadline)
                return try await self.outcome.value()
            }
            guard isPassedOn.load(ordering: .relaxed) else {
                throw RPCError(
                    code: .internalError,
                    message: "middleware answered \(path) without passing the call on; it can only throw, or call next"
                )
            }
            verdict.resolve(.success(result))
            self.call.cancel(with: RPCError(code: .cancelled, message: "middleware ended the call"))
        } catch {
            let error = RPCError(describing: error)
            verdict.resolve(.failure(error))
            // It may have had enough before the call ended.
            call.cancel(with: error)
        }
    }

    /// The next part of the response.
    func next(isolation: isolated (any Actor)?) async throws(RPCError) -> RPCResponsePart<[UInt8]>? {
        do throws(RPCError) {
            guard let part = try await call.next(isolation: isolation) else { return nil }
            guard case .status(_, let trailers) = part else { return part }
            outcome.resolve(.success(CallResult(trailers: CallMetadata(trailers), servedBy: call.lastInstance)))
        } catch {
            outcome.resolve(.failure(error))
        }
        do {
            let result = try await verdict.value()
            return .status(Status(code: .ok, message: ""), Metadata(result.trailers))
        } catch {
            throw RPCError(describing: error)
        }
    }

    /// Lets the middleware end, when the caller has left the call before its end.
    func cancel() {
        outcome.resolve(.failure(CancellationError()))
    }
}
