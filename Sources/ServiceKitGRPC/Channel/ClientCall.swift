internal import GRPCCore
internal import GRPCNghttp2Transport
internal import ServiceKit
internal import ServiceKitConcurrency
private import ServiceKitConfig
internal import Synchronization

/// A call that a channel makes.
///
/// The call keeps its request as long as the request may have to be sent again. It makes attempts, one after the other, or
/// with hedging side by side, each on another node where there is one.
///
/// The reader of the response drives the call. It begins the first attempt when the request's headers are there, and
/// another one when an attempt has failed and may be repeated (gRFC A6). A call is committed, and no longer repeated, once
/// response headers have come or its request has outgrown the buffer.
final class ClientCall: Sendable {
    let operation: String
    private let descriptor: MethodDescriptor
    private let deadline: ContinuousClock.Instant?
    private let options: CallOptions
    let channel: ChannelCore<ClientConnection>
    private let middleware = ClientMiddleware()
    let state = Mutex(ClientCallState())

    /// Creates a call.
    ///
    /// - Parameters:
    ///   - descriptor: The method.
    ///   - options: The time limit, whether the call waits for ready, and how large messages may be.
    ///   - channel: The channel that makes the call.
    init(_ descriptor: MethodDescriptor, options: CallOptions, channel: ChannelCore<ClientConnection>) {
        self.operation = descriptor.path
        self.descriptor = descriptor
        self.deadline = options.timeout.map { .now + $0 }
        self.options = options
        self.channel = channel
    }

    // MARK: - The request

    /// Takes the headers that the caller wrote: the middleware begins, and then the call.
    nonisolated(nonsending) func write(_ headers: Metadata) async {
        if channel.middleware.isEmpty { return begin(ClientCallStart(headers: headers, deadline: deadline)) }
        let call = Call(
            side: .client,
            transport: "grpc",
            operation: operation,
            peer: channel.target,
            metadata: CallMetadata(headers),
            deadline: deadline
        )
        do throws(RPCError) {
            begin(try await middleware.begin(consume call, headers, channel.middleware))
        } catch {
            cancel(with: error)
        }
    }

    private func begin(_ start: consuming ClientCallStart) {
        // Each attempt has less time than the last: the transport writes the time that is left when an attempt begins.
        if start.deadline != nil { start.headers.removeAllValues(forKey: "grpc-timeout") }
        state.withLock { [start] in $0.begin(start) }?.resolve(.success(()))
    }

    /// Takes a message; suspends while there is no room for more.
    ///
    /// - Throws: `RPCError` when the call has ended, `CancellationError`.
    func write(_ message: [UInt8]) async throws {
        let limit = channel.retryBuffer
        switch try state.withLock({ state throws(RPCError) in try state.write(message, keeping: limit) }) {
        case .kept: break
        case .full(let nextAttempt): try await nextAttempt.value()
        // A failed stream throws nothing here: the reader sees the failure, and decides whether there is another attempt.
        case .sent(let stream): if !stream.isWritable { try await stream.waitUntilWritable() }
        }
        // Without a wait, nothing above has noticed a cancellation.
        try Task.checkCancellation()
    }

    /// Takes the only message of the request, before an attempt begins: it needs no room.
    func writeOnly(_ message: [UInt8]) {
        let limit = channel.retryBuffer
        // A call that has ended tells its reader.
        state.withLock { state in
            _ = try? state.write(message, keeping: limit)
            state.finishRequest()
        }
    }

    /// Notes that the request is complete.
    func finishRequest() {
        state.withLock { $0.finishRequest() }
    }

    /// Ends the call because its request will not be complete, unless the stream has decided how the call ends.
    ///
    /// - Parameter reason: The error that the reader gets.
    func failRequest(with reason: RPCError) {
        guard !state.withLock({ $0.isDecided }) else { return }
        cancel(with: reason)
    }

    // MARK: - The response

    /// The next part of the response; `nil` behind its end.
    ///
    /// - Throws: `RPCError` when the call failed.
    func next() async throws(RPCError) -> RPCResponsePart<[UInt8]>? {
        while true {
            switch try poll() {
            case .ready(let part): return part
            case .wait(let event): try await wait(for: event)
            }
        }
    }

    /// A look for the next part of the response.
    enum Poll {
        /// The next part; `nil` behind the end.
        case ready(RPCResponsePart<[UInt8]>?)
        /// Nothing is there yet: look again after the event.
        case wait(Event)
    }

    /// The event that the reader waits for. The reader causes some events itself.
    enum Event {
        /// The middleware has begun.
        case beginning(Promise<Void>)
        case firstAttempt
        /// Another attempt; the last one failed with this error.
        case nextAttempt(RPCError)
        /// The stream has something to read.
        case readable(ClientStream)
        /// One of several attempts has something to read.
        case anyReadable
    }

    /// Takes the next part of the response if it is there.
    ///
    /// - Throws: `RPCError` when the call failed.
    func poll() throws(RPCError) -> Poll {
        do throws(RPCError) {
            switch try state.withLock({ state throws(RPCError) in try state.read() }) {
            case .wait(let beginning): return .wait(.beginning(beginning))
            case .begin: return .wait(.firstAttempt)
            case .end: return .ready(nil)
            case .read(let stream): return try poll(stream)
            case .race(let attempts): return try poll(attempts)
            }
        } catch {
            throw failed(error)
        }
    }

    /// The error that a part of the response means.
    static func failure(_ part: RPCResponsePart<[UInt8]>?) -> RPCError? {
        switch part {
        case .metadata, .message: nil
        case .status(let status, let trailers): RPCError(status: status, metadata: trailers)
        case nil: RPCError(code: .unknown, message: "the server ended the call without a status")
        }
    }

    func abandon(_ attempt: Attempt, _ result: AttemptResult = .abandoned) {
        attempt.stream.cancel()
        channel.pool.ended(attempt, of: operation, with: result)
    }

    private func poll(_ stream: ClientStream) throws(RPCError) -> Poll {
        let part: RPCResponsePart<[UInt8]>?
        do throws(RPCError) {
            guard case .ready(let next) = try stream.poll() else { return .wait(.readable(stream)) }
            part = next
        } catch {
            return .wait(.nextAttempt(error))
        }
        if let failure = Self.failure(part) { return .wait(.nextAttempt(failure)) }
        return try take(part)
    }

    /// Takes a part of the response that is no failure.
    func take(_ part: RPCResponsePart<[UInt8]>?) throws(RPCError) -> Poll {
        switch part {
        case .metadata:
            state.withLock { $0.answered() }
            return .ready(part)
        case .message:
            return .ready(part)
        case .status(let status, let trailers):
            end(with: .succeeded(trailers))
            guard let begun = middleware.end() else { return .ready(part) }
            var result = makeResult(nil, trailers)
            begun.end(with: &result)
            if let error = result.rpcError { throw error }
            return .ready(result.areTrailersChanged ? .status(status, Metadata(result.trailers)) : part)
        case nil:
            return .ready(nil)
        }
    }

    /// Returns when the event has come.
    ///
    /// - Throws: `RPCError` when the call failed.
    func wait(for event: Event) async throws(RPCError) {
        do {
            switch event {
            case .beginning(let promise): try await promise.value()
            case .firstAttempt: try await beginAttempt()
            case .nextAttempt(let failure): try await beginAttempt(after: failure)
            case .anyReadable: try await waitAndHedge(channel.options.retry.policy(for: operation))
            case .readable(let stream):
                if channel.hasHedging {
                    let policy = channel.options.retry.policy(for: operation)
                    if policy.hedgingDelay != nil { return try await waitAndHedge(policy) }
                }
                do throws(RPCError) {
                    try await stream.waitUntilReadable()
                } catch {
                    try await beginAttempt(after: error)
                }
            }
        } catch {
            throw failed(RPCError(describing: error))
        }
    }

    /// Ends the call, if it has not ended.
    ///
    /// - Returns: The error that the caller gets, which the middleware may have replaced.
    private func failed(_ error: RPCError) -> RPCError {
        end(with: .failed(error))
        var error = error
        // A handler that throws the error on has not refused its own call.
        if error.isRefusal { error.metadata.removeAllValues(forKey: CallRefusal.trailer) }
        return endMiddleware(error, error.metadata) ?? error
    }

    /// Ends the middleware of a call that failed, if it has begun and not ended.
    ///
    /// - Returns: The error that the middleware leaves to the caller.
    @discardableResult
    private func endMiddleware(_ error: any Error, _ trailers: Metadata) -> RPCError? {
        guard let begun = middleware.end() else { return nil }
        var result = makeResult(error, trailers)
        begun.end(with: &result)
        return result.rpcError
    }

    private func makeResult(_ error: (any Error)?, _ trailers: Metadata) -> CallResult {
        let (node, attempts) = state.withLock { ($0.lastNode, $0.attempts) }
        return CallResult(error: error, trailers: CallMetadata(trailers), node: node, attempts: attempts)
    }

    // MARK: - The attempts

    private func beginAttempt() async throws {
        let (start, attempts, avoid) = state.withLock { ($0.start, $0.attempts, $0.avoid) }
        let (pick, stream) = try await makeStream(attempts + 1, avoid: avoid, start)
        let limit = channel.retryBuffer
        var ends: [CallAttempt.End] = []
        let headers = Result { try begin(start.attemptBegins, of: pick, start.headers, &ends) }
        let attempt = Attempt(consume pick, stream, ends)
        do {
            let headers = try headers.get()
            let waiting = try state.withLock { state throws(RPCError) in
                try state.begin(attempt, headers, keeping: limit)
            }
            waiting?.resolve(.success(()))
        } catch {
            abandon(attempt)
            throw error
        }
    }

    /// Begins the middleware of an attempt.
    ///
    /// - Parameters:
    ///   - begins: The middleware.
    ///   - pick: The node that the attempt goes to.
    ///   - headers: The call's headers.
    ///   - ends: Gets the middleware that is told how the attempt ended.
    /// - Returns: The headers of the attempt, if the middleware has changed them.
    /// - Throws: The error of a middleware.
    func begin(
        _ begins: [Call.AttemptBegin],
        of pick: Pick<ClientConnection>,
        _ headers: Metadata,
        _ ends: inout [CallAttempt.End]
    ) throws -> Metadata? {
        if begins.isEmpty { return nil }
        var begun = CallAttempt(
            operation: operation,
            number: pick.number,
            node: pick.node,
            metadata: CallMetadata(headers)
        )
        // Middleware that has begun learns of the end, even if the next middleware throws.
        defer { ends = begun.ends }
        for begin in begins { try begin(&begun) }
        return begun.isMetadataChanged ? Metadata(begun.metadata) : nil
    }

    /// Picks a node and makes a stream to it.
    ///
    /// - Returns: The pick and the stream; `nil` when no node is ready now.
    func openStream(
        _ number: Int, avoid: [String], _ start: ClientCallStart, _ breaker: CircuitBreakers.Method?
    ) throws -> (Pick<ClientConnection>, ClientStream)? {
        let source = channel.pool.keySource
        let key = source == .none ? nil : source.key { start.headers[stringValues: $0].first { _ in true } }
        let lane = channel.laneHeader.flatMap { start.headers[stringValues: $0].first { _ in true } }
        do {
            return try channel.pool.attempt(
                operation, number: number, avoid: avoid, key: key, lane: lane, breaker: breaker
            ) { connection in
                try connection.makeStream(descriptor: descriptor, deadline: start.deadline, options: options)
            }
        } catch let error as PreparedError {
            channel.breakers.refusedByInstances(operation)
            throw RPCError(describing: error)
        }
    }

    /// Picks a node and makes a stream to it; waits for a node as long as there is hope.
    private func makeStream(
        _ number: Int, avoid: [String], _ start: ClientCallStart
    ) async throws -> (Pick<ClientConnection>, ClientStream) {
        let breaker: CircuitBreakers.Method?
        do throws(PreparedError) {
            breaker = try channel.breakers.beginAttempt(of: operation)
        } catch {
            throw RPCError(describing: error)
        }
        if let attempt = try openStream(number, avoid: avoid, start, breaker) { return attempt }
        let limit = WaitLimit(
            service: channel.service,
            options: channel.options,
            waitsForReady: options.waitForReady ?? false,
            deadline: start.deadline
        )
        while true {
            // The connectivity is read before the attempt, so that no change is missed.
            let connectivity = channel.pool.connectivity.value
            if let attempt = try openStream(number, avoid: avoid, start, breaker) { return attempt }
            try await wait(until: limit.next(connectivity.state)) { [pool = channel.pool] in
                await pool.waitForChange(after: connectivity)
            }
        }
    }

    /// Begins another attempt if the call may be made again.
    ///
    /// - Throws: The failure, if the call may not.
    private func beginAttempt(after failure: RPCError) async throws {
        let policy = channel.options.retry.policy(for: operation)
        let action = state.withLock { state in
            state.failed(
                failure,
                policy,
                isAnyReady: { channel.pool.isAnyReady(besides: $0) },
                takeRetry: { channel.retryBudget.takeRetry(after: $0) }
            )
        }
        switch action {
        case .fail(let error):
            throw error
        case .retry(let attempt, let pause):
            // The server may have answered before it had all of the request.
            attempt.stream.cancel()
            channel.pool.ended(attempt, of: operation, with: .failed(failure))
            if pause > .zero { try await wait(until: .now + pause) }
            do {
                try await beginAttempt()
            } catch let error as RPCError where error.code == .unavailable || error.code == .deadlineExceeded {
                // The caller learns both: no node is left, and why the last attempt failed.
                let message = "\(error.message); the attempt before failed: \(failure.message)"
                throw RPCError(code: error.code, message: message, metadata: failure.metadata)
            }
        }
    }

    /// Waits until a time, or for an event if one is given, but no longer than the call lasts.
    private func wait(
        until limit: ContinuousClock.Instant,
        for event: (@Sendable () async -> Void)? = nil
    ) async throws {
        let end = try state.withLock { state throws(RPCError) in try state.endSignal() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await Task.sleep(until: limit, clock: .continuous) }
            group.addTask { try await end.value() }
            if let event { group.addTask { await event() } }
            defer { group.cancelAll() }
            _ = try await group.next()
        }
        try Task.checkCancellation()
    }

    // MARK: - The end

    /// Ends the call because the caller has left it; does nothing to a call that has ended.
    func leave() {
        cancel(with: Self.callerLeft)
        endMiddleware(CancellationError(), [:])
    }

    private static let callerLeft = RPCError(code: .cancelled, message: "the caller left the call")

    /// Ends the call if it has not ended. A server that still works on the call is told.
    ///
    /// - Parameter reason: The error that reader and writer get.
    func cancel(with reason: RPCError) {
        end(with: .abandoned, reason)
    }

    private func end(with result: AttemptResult, _ reason: RPCError? = nil) {
        guard let ending = state.withLock({ $0.end(reason) }) else { return }
        var result = result
        result.answeredAt = ending.answeredAt
        if let attempt = ending.attempt {
            // This does nothing to a stream that has ended.
            attempt.stream.cancel()
            channel.pool.ended(attempt, of: operation, with: result)
            for hedge in ending.hedges { abandon(hedge) }
            if case .success = result.outcome { channel.retryBudget.succeeded() }
        }
        for promise in ending.waiting { promise.resolve(.failure(reason ?? ClientCallState.ended)) }
    }
}
