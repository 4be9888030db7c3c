internal import GRPCCore
internal import GRPCNghttp2Transport
internal import ServiceKit
private import ServiceContextModule

/// Runs middleware around each call of a server, from the call's headers to its status.
final class ServerMiddleware: ServerCallHook {
    private let chain: MiddlewareChain
    private let exceptions: Set<String>
    private let refusals = PreparedRefusals()

    /// - Parameters:
    ///   - chain: The middleware.
    ///   - exceptions: The full names of services whose calls have no middleware.
    init(_ chain: MiddlewareChain, except exceptions: Set<String> = []) {
        self.chain = chain
        self.exceptions = exceptions
    }

    func applies(to method: MethodDescriptor) -> Bool {
        !chain.isEmpty && !exceptions.contains(method.service.fullyQualifiedService)
    }

    var refusesHeads: Bool { chain.refusesHeads }

    func refusal(of head: ServerCallHead) -> ServerRefusal? {
        let fields = ServerCallFields(head: head)
        let head = CallHead(transport: "grpc", operation: head.path, peer: head.peer, fields: fields)
        guard let (error, trailers) = chain.refusal(of: head) else { return nil }
        if trailers.isEmpty { return refusals.refusal(for: error) }
        var result = CallResult(error: error)
        result.trailers = trailers
        return result.rpcError.map(ServerRefusal.init)
    }

    func begin(_ served: ServerCall) -> (any HookedCall)? {
        let begun = BegunServerCall(served, chain)
        return begun.beginNow() ? begun : nil
    }
}

/// A call of a server, on its way through the middleware. A class: a call is not copied on its way to its end.
// @unchecked: `call` is touched by one after the other: on the event loop until the task starts, then by the task.
private final class BegunServerCall: HookedCall, @unchecked Sendable {
    private let served: ServerCall
    private let chain: MiddlewareChain
    @exclusivity(unchecked) private var call: Call

    init(_ served: ServerCall, _ chain: MiddlewareChain) {
        self.served = served
        self.chain = chain
        call = Call(
            side: .server,
            transport: served.transport,
            operation: served.path,
            peer: served.peer,
            metadata: CallMetadata(served.metadata),
            deadline: served.deadline,
            context: .topLevel,
            peerCertificate: served.readPeerCertificate
        )
    }

    /// Begins with the middleware before the first that may wait. A call that it refuses costs no task.
    ///
    /// - Returns: Whether the call is to be served.
    func beginNow() -> Bool {
        do {
            try chain.beginSynchronously(&call)
        } catch {
            refuse(error)
            return false
        }
        if chain.isSynchronous { applyChanges() }
        return true
    }

    func start(on executor: (any TaskExecutor)?) -> Task<Void, Never> {
        guard chain.isSynchronous else { return Task(executorPreference: executor) { await self.beginRestAndRun() } }
        // A task takes the values that are current when it is made: that is less than to make them current in the task.
        if call.context.isEmpty, ServiceContext.current == nil { return startTask(on: executor) }
        return ServiceContext.$current.withValue(call.context) { startTask(on: executor) }
    }

    private func startTask(on executor: (any TaskExecutor)?) -> Task<Void, Never> {
        guard call.delay == nil else { return Task(executorPreference: executor) { await self.waitAndRun() } }
        return Task(executorPreference: executor) {
            self.call.begun()
            await self.served.run(within: self)
        }
    }

    /// Begins with the middleware that may wait, and has the call served.
    @concurrent private func beginRestAndRun() async {
        do {
            try await chain.beginRest(&call)
        } catch {
            refuse(error)
            return served.returned()
        }
        applyChanges()
        await ServiceContext.$current.withValue(call.context) { await served.run(within: self) }
    }

    /// Has the call served after the wait that the middleware has put before it.
    @concurrent private func waitAndRun() async {
        call.begun()
        do {
            try await call.waitForDelay()
        } catch {
            refuse(error)
            return served.returned()
        }
        await served.run(within: self)
    }

    private func refuse(_ error: any Error) {
        let (status, trailers) = end(.threw(error))
        served.answer(status, trailers)
    }

    /// Passes on the changes that the middleware has made.
    private func applyChanges() {
        if call.isMetadataChanged { served.setMetadata(Metadata(call.metadata)) }
        if !call.responseMetadata.isEmpty { served.addToResponse(Metadata(call.responseMetadata)) }
        if let deadline = call.deadline, deadline != served.deadline { served.setDeadline(deadline) }
    }

    func end(_ outcome: ServerCall.Outcome) -> (status: Status, trailers: Metadata) {
        var answer = Metadata()
        var result: CallResult
        switch outcome {
        case .threw(let error):
            result = CallResult(error: error)
        case .status(let status, let trailers):
            if let error = RPCError(status: status, metadata: trailers) {
                result = CallResult(error: error)
            } else {
                answer = trailers
                result = CallResult(trailers: CallMetadata(trailers))
            }
        }
        call.end(with: &result)
        if let error = result.rpcError {
            return (Status(code: Status.Code(error.code), message: error.message), error.metadata)
        }
        return (Status(code: .ok, message: ""), result.areTrailersChanged ? Metadata(result.trailers) : answer)
    }
}
