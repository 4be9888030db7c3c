package import GRPCCore
import NIOCore
import NIOSSL
import ServiceKitHTTP2
import Synchronization

/// One call on a server, as GRPCCore sees it, whatever its protocol on the wire.
package final class ServerCall: RequestTask, HTTP2StreamListener {
    typealias Handler =
        @Sendable @concurrent (
            RPCStream<Nghttp2ServerTransport.Inbound, Nghttp2ServerTransport.Outbound>, ServerContext
        ) async -> Void

    /// How far the response is.
    ///
    /// | response | event | response | effect |
    /// |---|---|---|---|
    /// | not begun | metadata, a message | begun | the head is sent, with the message if there is one |
    /// | not begun | the status | ended | the status is sent with the head |
    /// | begun | a message | begun | the message is sent |
    /// | begun | metadata | begun | throws |
    /// | begun | the status | ended | the trailers are sent |
    /// | ended | a status | ended | throws `closed` |
    ///
    /// Within a hook, the status of the handler is held back; the hook's status is sent.
    fileprivate enum Response {
        case notBegun
        case begun
        case ended
    }

    struct State {
        fileprivate var response = Response.notBegun
        /// How the response's messages are compressed.
        var encoding: MessageEncoding
        /// It is there when the task of the call runs.
        var cancellation: ServerContext.RPCCancellationHandle?
        var deadline: ContinuousClock.Instant?
        /// The parts that a hook around the call holds back or changes, until it has decided the status.
        var held: Held?
    }

    let wire: any CallWire
    private let service: ServedMethods
    /// The caller's address.
    package let peer: String
    let peerCertificate: NIOSSLCertificate?
    private let localPeer: String
    let method: ServedMethods.Method
    /// Serves the call in place of GRPCCore.
    let direct: DirectHandler?
    /// The hook around the call, if there is one.
    var hook: (any ServerCallHook)? { method.hook }
    let head: RequestHead
    let state: Mutex<State>
    /// The call as the hook has begun it.
    // Set and used on the event loop, while the call is opened and started.
    nonisolated(unsafe) private var hooked: (any HookedCall)?
    private let receivedCompressed = Atomic<Bool>(false)
    /// Whether the caller has left, or the deadline has come. Without a lock, for every call looks at it.
    private let hasFailed = Atomic<Bool>(false)

    init(
        wire: any CallWire,
        method: ServedMethods.Method,
        direct: DirectHandler?,
        head: consuming RequestHead,
        service: ServedMethods
    ) {
        self.wire = wire
        self.service = service
        self.method = method
        self.direct = direct
        self.peer = wire.remotePeer
        self.peerCertificate = wire.peerCertificate
        self.localPeer = wire.localPeer
        let responseEncoding = service.messages.encoding
        let encoding = head.acceptedEncodings.contains(responseEncoding) ? responseEncoding : .identity
        self.state = Mutex(State(encoding: encoding, deadline: head.timeout.map { .now + $0 }))
        self.head = head
    }

    /// The name of the protocol, as middleware sees it: `grpc` or `http`.
    package var transport: String { wire.transport }

    package var id: Int32 { wire.id }

    /// Reads the certificate that the caller has proved, in DER; `nil` if the connection has none.
    package var readPeerCertificate: (@Sendable () -> [UInt8]?)? {
        guard let peerCertificate else { return nil }
        return { try? peerCertificate.toDERBytes() }
    }

    /// The method's name as the path of a request, `/package.Service/Method`.
    package var path: String { head.path }

    /// The request's headers. Those of a call within a hook lack `grpc-timeout`, see ``deadline``: GRPCCore would enforce
    /// it as well.
    package var metadata: Metadata {
        guard isHooked else { return head.metadata }
        return state.withLock { $0.held?.requestMetadata } ?? head.metadata
    }

    /// The time by which the call must have ended.
    package var deadline: ContinuousClock.Instant? { state.withLock(\.deadline) }

    /// Whether the last message that was read came compressed.
    var receivedMessageWasCompressed: Bool { receivedCompressed.load(ordering: .relaxed) }

    func setResponseEncoding(_ encoding: MessageEncoding) {
        guard head.acceptedEncodings.contains(encoding) else { return }
        state.withLock { state in
            if case .notBegun = state.response {
                state.encoding = encoding
            }
        }
    }

    /// Cancels the call at a deadline, unless it ends before.
    package func setDeadline(_ deadline: ContinuousClock.Instant) {
        state.withLock { $0.deadline = deadline }
        let time = NIODeadline.now() + ContinuousClock.now.duration(to: deadline)
        wire.setDeadline(time)
    }

    package func deadlineCame() {
        wire.interrupt(.deadlineExceeded)
        streamFailed()
    }

    /// Cancels the call.
    package func streamFailed() {
        hasFailed.store(true, ordering: .releasing)
        state.withLock(\.cancellation)?.cancel()
        if cancelsTask { wire.cancelTask() }
    }

    /// Whether the task is cancelled with the call. GRPCCore's handlers ask whether their call was cancelled.
    private var cancelsTask: Bool { isHooked || direct != nil }

    /// Returns the next message of the request, or `nil` when there are no more.
    func next() async throws -> [UInt8]? {
        while true {
            if case .ready(let message) = try poll() { return message }
            try await wire.waitUntilReadable()
        }
    }

    /// A look for the next message of the request.
    enum Poll {
        /// The next message; `nil` behind the last.
        case ready([UInt8]?)
        /// Nothing is there yet.
        case wait
    }

    /// Takes the next message of the request if it is there.
    func poll() throws -> Poll {
        switch try wire.poll() {
        case .part(.body(let piece)): .ready(try message(piece))
        // Only clients get header blocks.
        case .part(.headers), .end: .ready(nil)
        case .failed(let failure): throw failure
        case .wait: .wait
        }
    }

    private func message(_ piece: BodyPiece) throws -> [UInt8] {
        let message = try bytes(piece)
        if let check = method.check { try check(message) }
        return message
    }

    private func bytes(_ piece: BodyPiece) throws -> [UInt8] {
        if piece.isCompressed || head.encoding != .identity {
            receivedCompressed.store(piece.isCompressed, ordering: .relaxed)
        }
        guard piece.isCompressed else { return piece.bytes }
        let maxMessageBytes = service.messages.maxBytes
        return try wire.decompress(piece.bytes, head.encoding, maxMessageBytes: maxMessageBytes)
    }

    /// Begins the call, on the event loop.
    ///
    /// - Returns: Whether it is to be started: the hook may have refused it.
    func begin() -> Bool {
        wire.setListener(self)
        if let hook {
            hold()
            // It counts also while the hook waits.
            if let deadline { setDeadline(deadline) }
            hooked = hook.begin(self)
            return hooked != nil
        }
        // The deadline of another call is GRPCCore's matter.
        if direct != nil, let deadline { setDeadline(deadline) }
        return true
    }

    package func start(on executor: (any TaskExecutor)?) -> Task<Void, Never> {
        let task =
            takeHooked()?.start(on: executor) ?? Task(executorPreference: executor) { await self.run(within: nil) }
        // The stream may have failed, or the deadline come, when there was no task to cancel.
        if cancelsTask, hasFailed.load(ordering: .acquiring) { task.cancel() }
        return task
    }

    /// Forgets what the hook has begun, which refers to the call.
    private func takeHooked() -> (any HookedCall)? {
        defer { hooked = nil }
        return hooked
    }

    package func abandon() {
        _ = takeHooked()?.end(
            .threw(RPCError(code: .unavailable, message: "the connection was lost before the call was served")))
    }

    /// Runs the handler. The call is over when this returns.
    ///
    /// - Parameter hooked: The call as the hook has begun it.
    @concurrent package func run(within hooked: (any HookedCall)?) async {
        // A request that is no call of a method learns of its cancellation as a task does.
        guard method.isRPC else { return await serveToTheEnd(hooked) }
        await withServerContextRPCCancellationHandle { cancellation in
            state.withLock { $0.cancellation = cancellation }
            if hasFailed.load(ordering: .acquiring) { cancellation.cancel() }
            await serveToTheEnd(hooked)
        }
    }

    /// Runs the handler, with its status.
    nonisolated(nonsending) private func serveToTheEnd(_ hooked: (any HookedCall)?) async {
        // The last thing in each branch: to come back from a call costs another look at the executor.
        guard let hooked else { return await serveToTheEnd() }
        let (status, trailers) = hooked.end(await outcome())
        answer(status, trailers)
        returned()
    }

    nonisolated(nonsending) private func serveToTheEnd() async {
        if direct != nil || head.timeout == nil {
            await serve()
        } else {
            // GRPCCore enforces the timeout by cancelling the call. A handler that waits for a message, or for room to send
            // one, is to learn of it too.
            await withRPCCancellationHandler {
                await serve()
            } onCancelRPC: { [wire] in
                wire.interrupt(.deadlineExceeded)
            }
        }
        returned()
    }

    /// Ends the call. The last thing that its task does.
    package func returned() {
        finish()
        wire.returned(self)
    }

    /// Runs the handler, up to the status.
    nonisolated(nonsending) func serve() async {
        if let direct { return await handle(direct) }
        await service.handler(
            RPCStream(
                descriptor: method.descriptor,
                inbound: RPCAsyncSequence(wrapping: ServerInbound(call: self)),
                outbound: RPCWriter.Closable(wrapping: ServerOutbound(call: self))
            ),
            context
        )
    }

    /// The context that a handler of gRPC gets, once the task of the call runs.
    package var context: ServerContext {
        var context = ServerContext(
            descriptor: method.descriptor,
            remotePeer: peer,
            localPeer: localPeer,
            cancellation: state.withLock(\.cancellation) ?? ServerContext.RPCCancellationHandle()
        )
        context.transportSpecific = Nghttp2ServerTransport.Context(call: self)
        return context
    }
}

// MARK: - The response

extension ServerCall {
    func write(_ part: RPCResponsePart<[UInt8]>) async throws {
        do {
            switch part {
            case .metadata(let metadata):
                try send(headWithAdded(metadata))
            case .message(let message):
                let (isFirst, encoding) = begin()
                if isFirst { try wire.send(head: [:], encoding, isMessageNext: true) }
                while try !wire.trySend(message, encoding, limit: maxSendBytes) { try await wire.waitUntilWritable() }
            case .status(let status, let metadata):
                if !hold(.status(status, metadata)) { try send(status, metadata) }
            }
        } catch {
            throw RPCError.from(error, peer: peer)
        }
    }

    /// The largest message that is sent, in bytes.
    var maxSendBytes: Int { service.messages.maxSendBytes }

    /// The response's metadata, with the metadata that the hook has added.
    func headWithAdded(_ metadata: Metadata) -> Metadata {
        guard isHooked, let added = state.withLock({ $0.held?.addedMetadata }) else { return metadata }
        var metadata = metadata
        metadata.add(contentsOf: added)
        return metadata
    }

    /// Notes that the response begins, unless it has already.
    private func begin() -> (isFirst: Bool, encoding: MessageEncoding) {
        state.withLock { state in
            guard case .notBegun = state.response else { return (false, state.encoding) }
            state.response = .begun
            return (true, state.encoding)
        }
    }

    /// Sends the head of the response.
    ///
    /// - Returns: How its messages are compressed.
    @discardableResult
    func send(_ metadata: Metadata) throws -> MessageEncoding {
        let (isFirst, encoding) = begin()
        guard isFirst else {
            throw RPCError(code: .internalError, message: "the response's initial metadata was sent already")
        }
        // Of a call with one response, that comes right away.
        let isMessageNext = method.descriptor.type.map { !$0.isResponseStreaming } ?? false
        do {
            try wire.send(head: metadata, encoding, isMessageNext: isMessageNext)
        } catch {
            state.withLock { if case .begun = $0.response { $0.response = .notBegun } }
            throw error
        }
        return encoding
    }

    func send(_ status: Status, _ metadata: Metadata) throws {
        let (response, isCancelled) = state.withLock { state in
            defer { state.response = .ended }
            return (state.response, state.cancellation?.isCancelled ?? false)
        }
        let status = isCancelled || Task.isCancelled ? statusOfCancelled(status) : status
        switch response {
        case .notBegun: try wire.send(status, metadata, isFirst: true)
        case .begun: try wire.send(status, metadata, isFirst: false)
        case .ended: throw StreamFailure.closed
        }
    }

    /// Whether the call was cancelled before its handler returned.
    var isCancelled: Bool { hasFailed.load(ordering: .acquiring) || Task.isCancelled }

    /// A handler that gives up because its call was cancelled mostly throws `CancellationError`, which GRPCCore reports
    /// as an unknown error. Or it returns: an `AsyncStream` ends without an error when its task is cancelled. The client
    /// should see why the call was cancelled, and should not take a part of the answer for the whole.
    func statusOfCancelled(_ status: Status) -> Status {
        guard [.ok, .unknown, .cancelled].contains(status.code) else { return status }
        if let deadline = state.withLock(\.deadline), deadline <= .now {
            return Status(code: .deadlineExceeded, message: "the call did not complete before its deadline")
        }
        return status.code == .cancelled ? status : Status(code: .cancelled, message: "the call was cancelled")
    }

    /// Ends the response, with an error if the handler has not.
    func finish(_ error: RPCError? = nil) {
        // It has been ended, mostly.
        if case .ended = state.withLock({ $0.response }) { return }
        let status = error.map { Status(code: Status.Code($0.code), message: $0.message) }
        if let status, hold(.status(status, error?.metadata ?? [:])) { return }
        if isHeld { return }
        // It fails if the stream is gone.
        try? send(
            status ?? Status(code: .internalError, message: "the handler returned without a status"),
            error?.metadata ?? [:]
        )
    }
}
