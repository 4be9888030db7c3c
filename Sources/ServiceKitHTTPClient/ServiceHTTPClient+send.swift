internal import AsyncHTTPClient
internal import GRPCCore
public import HTTPTypes
internal import NIOCore
internal import NIOHTTP1
internal import ServiceKit
internal import ServiceKitConcurrency
internal import ServiceKitGRPC

extension ServiceHTTPClient {
    /// Makes a call.
    ///
    /// - Parameters:
    ///   - method: The method.
    ///   - path: The path and the query, escaped: `/v1/users?page=2`.
    ///   - headers: The headers. Those of the connection, such as `host`, are the client's own.
    ///   - body: The body; none by default.
    ///   - operation: The name by which options, breakers and metrics know the call, such as `/user.v1.UserService/GetUser`.
    ///     By default `/http/GET`, with the method: all paths together, as each id in a path would be an operation of its own.
    ///   - timeout: How long the call may last, its body included. The shortest of this, `client.timeouts` and the time that
    ///     is left to the caller counts.
    /// - Returns: The response, whatever its status is; see ``ClientResponse/requireSuccess()``.
    /// - Throws: `ServiceError` when there is no response: `unavailable`, `deadlineExceeded`, `cancelled`, `badRequest` for a
    ///   path or a header that cannot be sent; or the error of a middleware.
    public nonisolated(nonsending) func send(
        _ method: HTTPRequest.Method,
        _ path: String,
        headers: HTTPFields = [:],
        body: RequestContent = .none,
        operation: String? = nil,
        timeout: Duration? = nil
    ) async throws -> ClientResponse {
        guard path.utf8.first == UInt8(ascii: "/") else {
            throw ServiceError(
                .badRequest, reason: "INVALID_ARGUMENT", message: "the path \"\(path)\" does not begin with a slash")
        }
        var call = Call(
            side: .client,
            transport: "http",
            operation: operation ?? "/http/\(method.rawValue)",
            peer: core.target,
            metadata: CallMetadata(headers),
            deadline: timeout.map { .now + $0 }
        )
        var last: HTTPAttempt?
        do {
            try await core.middleware.begin(&call)
            let request = Request(method: HTTPMethod(rawValue: method.rawValue), path: path, body: body)
            return try await answer(&call, request, &last)
        } catch {
            var result = last?.result(error) ?? CallResult(error: error)
            call.end(with: &result)
            throw result.error.flatMap { ServiceError($0) } ?? result.error ?? error
        }
    }

    /// A request, the same for each attempt but for its headers.
    struct Request: Sendable {
        let method: HTTPMethod
        let path: String
        let body: RequestContent
    }

    /// Makes attempts until one is answered.
    private nonisolated(nonsending) func answer(
        _ call: inout Call, _ request: Request, _ last: inout HTTPAttempt?
    ) async throws -> ClientResponse {
        var retry = RetryState(
            core.options.retry.policy(for: call.operation),
            isIdempotent: request.method.isIdempotent,
            isBodyRepeatable: request.body.isRepeatable
        )
        while true {
            let (attempt, answer): (HTTPAttempt, Answer)
            if let delay = retry.hedgingDelay {
                (attempt, answer) = try await race(delay, call, request, &retry, &last)
            } else {
                let begun = try await begin(place(call, retry), call, &retry, &last)
                attempt = begun.attempt
                answer = await self.answer(of: attempt, request, begun.headers, call)
            }
            let judgement = Judgement(answer)
            let id = attempt.pick.node.instance.id
            // A request that is at fault is sent nowhere.
            let wasSent = judgement.wasSent || isAtFault(answer)
            let pause = retry.failed(
                on: id,
                judgement.isFailure ? judgement.status : .ok,
                wasSent: wasSent,
                goesElsewhere: judgement.isRefusal
                    && core.pool.isAnyReady(besides: Array(Set(retry.avoid + [id]))),
                retryAfter: judgement.retryAfter,
                deadline: call.deadline,
                takeRetry: { core.retryBudget.takeRetry(after: $0) }
            )
            switch answer {
            case .success(let response):
                guard pause != nil else {
                    if !judgement.isFailure { core.retryBudget.succeeded() }
                    let open = OpenCall(call, attempt, judgement)
                    return ClientResponse(
                        status: HTTPResponse.Status(response.status),
                        headers: HTTPFields(response.headers),
                        body: ResponseContent(body: response.body, call: open),
                        maxErrorBytes: maxBody
                    )
                }
                attempt.end(judgement.result)
                await Self.discard(response)
            case .failure(let failure):
                attempt.end(judgement.result)
                guard pause != nil else { throw failure.error }
            }
            if let pause, pause > .zero { try await Task.sleep(for: pause) }
        }
    }

    private func isAtFault(_ answer: Answer) -> Bool {
        if case .failure(let failure) = answer { failure.status == .invalidArgument } else { false }
    }

    /// Sends the request of an attempt.
    ///
    /// - Returns: The head of the response, or the failure. The node knows if it cannot be reached.
    nonisolated(nonsending) func answer(
        of attempt: HTTPAttempt, _ request: Request, _ headers: CallMetadata, _ call: Call
    ) async -> Answer {
        do throws(HTTPFailure) {
            return .success(try await execute(attempt, request, headers, call))
        } catch {
            if error.isUnreachable { attempt.node.fail(error.rpcError) }
            return .failure(error)
        }
    }

    /// Sends a request.
    ///
    /// - Throws: ``HTTPFailure`` when there is no response.
    private nonisolated(nonsending) func execute(
        _ attempt: HTTPAttempt, _ content: Request, _ headers: CallMetadata, _ call: Call
    ) async throws(HTTPFailure) -> HTTPClientResponse {
        var request = HTTPClientRequest(url: attempt.node.origin + basePath + content.path)
        request.method = content.method
        request.headers = HTTPHeaders(headers)
        request.body = content.body.body
        request.tlsConfiguration = await attempt.node.changedTLS()
        var deadline = NIODeadline.distantFuture
        if let end = call.deadline {
            let left = end - .now
            deadline = .now() + TimeAmount(max(left, .zero))
            if isKit {
                let milliseconds = max(1, Int(left / .milliseconds(1)))
                request.headers.replaceOrAdd(name: "x-request-timeout", value: "\(milliseconds)ms")
            }
        }
        if isKit { request.headers.replaceOrAdd(name: LoadReport.formatHeader, value: LoadReport.textFormat) }
        do {
            return try await attempt.node.client.execute(request, deadline: deadline)
        } catch {
            let failure = HTTPFailure(error)
            // At the deadline a server may break the connection off, or a connection not be there.
            if let end = call.deadline, end <= .now { throw failure.afterDeadline }
            throw failure
        }
    }

    /// Reads the rest of a small body, so that the connection can be used again.
    private static func discard(_ response: HTTPClientResponse) async {
        _ = try? await withTimeLimit(.milliseconds(100)) { try await response.body.collect(upTo: 64 * 1024) }
    }

    // MARK: - Nodes

    /// Picks a node; waits for one as long as there is hope.
    nonisolated(nonsending) func place(_ call: Call, _ retry: RetryState) async throws -> HTTPAttempt {
        let breaker = try core.breakers.beginAttempt(of: call.operation)
        let limit = WaitLimit(
            service: core.service, scheme: "http", options: core.options, waitsForReady: false, deadline: call.deadline)
        while true {
            // The connectivity is read before the attempt, so that no change is missed.
            let connectivity = core.pool.connectivity.value
            if let made = try place(call, number: retry.attempts + 1, avoid: retry.avoid, breaker) { return made }
            let time = try limit.next(connectivity.state)
            await withTaskGroup(of: Void.self) { group in
                group.addTask { try? await Task.sleep(until: time, clock: .continuous) }
                group.addTask { [pool = core.pool] in await pool.waitForChange(after: connectivity) }
                await group.next()
                group.cancelAll()
            }
            try Task.checkCancellation()
        }
    }

    /// Picks a node that is ready now; `nil` if there is none but those that are avoided.
    func placeNow(_ call: Call, number: Int, avoid: [String]) throws -> HTTPAttempt? {
        guard core.pool.isAnyReady(besides: Array(Set(avoid))) else { return nil }
        return try place(call, number: number, avoid: avoid, core.breakers.beginAttempt(of: call.operation))
    }

    private func place(
        _ call: Call, number: Int, avoid: [String], _ breaker: CircuitBreakers.Method?
    ) throws -> HTTPAttempt? {
        let source = core.pool.keySource
        let key = source == .none ? nil : source.key { call.metadata[$0] }
        let lane = core.laneHeader.flatMap { call.metadata[$0] }
        do {
            let made = try core.pool.attempt(
                call.operation, number: number, avoid: avoid, key: key, lane: lane, breaker: breaker
            ) { try $0.begin() }
            return made.map { HTTPAttempt($0.pick, $0.stream, of: call.operation, core) }
        } catch let error as PreparedError {
            core.breakers.refusedByInstances(call.operation)
            throw error
        }
    }
}

extension HTTPMethod {
    /// RFC 9110, section 9.2.2.
    fileprivate var isIdempotent: Bool {
        switch self {
        case .GET, .HEAD, .OPTIONS, .TRACE, .PUT, .DELETE: true
        default: false
        }
    }
}
