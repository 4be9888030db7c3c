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
            return try await answer(&call, HTTPMethod(rawValue: method.rawValue), path, body, &last)
        } catch {
            var result = last?.result(error) ?? CallResult(error: error)
            call.end(with: &result)
            throw result.error.flatMap { ServiceError($0) } ?? result.error ?? error
        }
    }

    /// Makes attempts until one is answered.
    private nonisolated(nonsending) func answer(
        _ call: inout Call,
        _ method: HTTPMethod,
        _ path: String,
        _ body: RequestContent,
        _ last: inout HTTPAttempt?
    ) async throws -> ClientResponse {
        var retry = RetryState(
            core.options.retry.policy(for: call.operation),
            isIdempotent: method.isIdempotent,
            isBodyRepeatable: body.isRepeatable
        )
        while true {
            var attempt = try await place(call, retry)
            retry.begin()
            let pause: Duration?
            do {
                let headers = try attempt.begin(call)
                last = attempt
                let response = try await execute(attempt, method, path, headers, body, call)
                let status = HTTPResponse.Status(response.status)
                let failure = status.code < 400 ? nil : ServiceError(status: status)
                let callStatus = CallStatus(status)
                let id = attempt.pick.node.instance.id
                let isRefusal = status == .tooManyRequests && response.headers.contains(name: CallRefusal.trailer)
                pause = retry.failed(
                    on: id,
                    failure == nil ? .ok : callStatus,
                    wasSent: true,
                    goesElsewhere: isRefusal && core.pool.isAnyReady(besides: Array(Set(retry.avoid + [id]))),
                    retryAfter: response.headers.first(name: "retry-after").flatMap(Int.init).map { .seconds($0) },
                    deadline: call.deadline,
                    takeRetry: { core.retryBudget.takeRetry(after: $0) }
                )
                guard pause != nil else {
                    if failure == nil { core.retryBudget.succeeded() }
                    let open = OpenCall(call, attempt, callStatus, failure)
                    return ClientResponse(
                        status: status,
                        headers: HTTPFields(response.headers),
                        body: ResponseContent(body: response.body, call: open),
                        maxErrorBytes: maxBody
                    )
                }
                attempt.end(AttemptResult(callStatus, code: failure?.code))
                await Self.discard(response)
            } catch let failure as HTTPFailure {
                if failure.isUnreachable { attempt.node.fail(failure.rpcError) }
                pause = retry.failed(
                    on: attempt.pick.node.instance.id,
                    failure.status,
                    wasSent: failure.wasSent && failure.status != .invalidArgument,
                    deadline: call.deadline,
                    takeRetry: { core.retryBudget.takeRetry(after: $0) }
                )
                attempt.end(AttemptResult(failure.status, code: failure.error.code, wasSent: failure.wasSent))
                guard pause != nil else { throw failure.error }
            } catch {
                attempt.end(.abandoned)
                throw error
            }
            if let pause, pause > .zero { try await Task.sleep(for: pause) }
        }
    }

    /// Sends a request.
    ///
    /// - Throws: ``HTTPFailure`` when there is no response.
    private nonisolated(nonsending) func execute(
        _ attempt: HTTPAttempt,
        _ method: HTTPMethod,
        _ path: String,
        _ headers: CallMetadata,
        _ body: RequestContent,
        _ call: Call
    ) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: attempt.node.origin + basePath + path)
        request.method = method
        request.headers = HTTPHeaders(headers)
        request.body = body.body
        var deadline = NIODeadline.distantFuture
        if let end = call.deadline {
            let left = end - .now
            deadline = .now() + TimeAmount(max(left, .zero))
            if tellsTime {
                let milliseconds = max(1, Int(left / .milliseconds(1)))
                request.headers.replaceOrAdd(name: "x-request-timeout", value: "\(milliseconds)ms")
            }
        }
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
    private nonisolated(nonsending) func place(_ call: Call, _ retry: RetryState) async throws -> HTTPAttempt {
        let breaker = try core.breakers.beginAttempt(of: call.operation)
        let source = core.pool.keySource
        let key = source == .none ? nil : source.key { call.metadata[$0] }
        let lane = core.laneHeader.flatMap { call.metadata[$0] }
        let limit = WaitLimit(
            service: core.service, scheme: "http", options: core.options, waitsForReady: false, deadline: call.deadline)
        while true {
            // The connectivity is read before the attempt, so that no change is missed.
            let connectivity = core.pool.connectivity.value
            do {
                let made = try core.pool.attempt(
                    call.operation, number: retry.attempts + 1, avoid: retry.avoid, key: key, lane: lane,
                    breaker: breaker
                ) { try $0.begin() }
                if let (pick, node) = made { return HTTPAttempt(pick, node, of: call.operation, core) }
            } catch let error as PreparedError {
                core.breakers.refusedByInstances(call.operation)
                throw error
            }
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
