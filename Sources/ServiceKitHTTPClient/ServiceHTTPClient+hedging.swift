internal import AsyncHTTPClient
internal import HTTPTypes
internal import NIOHTTP1
internal import ServiceKit
internal import ServiceKitGRPC

/// Hedging (gRFC A6): attempts of a call side by side, of which the first answer counts.
extension ServiceHTTPClient {
    /// An answer to an attempt: the head of a response, whose body is still to come, or a failure.
    typealias Answer = Result<HTTPClientResponse, HTTPFailure>

    private enum Event: Sendable {
        /// The time of the hedge with a number has come.
        case due(Int)
        case answered(Int, Answer)
    }

    /// Makes an attempt, and others beside it while there is no answer.
    ///
    /// - Parameters:
    ///   - delay: How long an attempt has no answer before the next begins.
    ///   - call: The call.
    ///   - request: The request.
    ///   - retry: Counts the attempts.
    ///   - last: The attempt that began last.
    /// - Returns: The attempt that counts, and its answer. All others have ended.
    /// - Throws: The error of a middleware, or that no instance can be called.
    nonisolated(nonsending) func race(
        _ delay: Duration, _ call: Call, _ request: Request, _ retry: inout RetryState, _ last: inout HTTPAttempt?
    ) async throws -> (HTTPAttempt, Answer) {
        let first = try await begin(place(call, retry), call, &retry, &last)
        return await withTaskGroup(of: Event.self) { group in
            var running: [Int: HTTPAttempt] = [:]
            var timer = 0
            func start(_ begun: (attempt: HTTPAttempt, headers: CallMetadata), _ group: inout TaskGroup<Event>) {
                let (attempt, headers) = begun
                running[attempt.pick.number] = attempt
                group.addTask {
                    .answered(attempt.pick.number, await self.answer(of: attempt, request, headers, call))
                }
            }
            func hedge(in pause: Duration, _ group: inout TaskGroup<Event>) {
                timer += 1
                group.addTask { [timer] in
                    try? await Task.sleep(for: pause)
                    return .due(timer)
                }
            }
            start(first, &group)
            hedge(in: delay, &group)
            while let event = await group.next() {
                switch event {
                case .due(timer) where !Task.isCancelled && retry.mayHedge:
                    let avoid = retry.avoid + running.values.map(\.pick.node.instance.id)
                    // A hedge that has no instance takes none of the retries. It is tried again.
                    guard core.pool.isAnyReady(besides: Array(Set(avoid))) else {
                        hedge(in: delay, &group)
                        continue
                    }
                    guard core.retryBudget.takeRetry() else { continue }
                    hedge(in: delay, &group)
                    // A hedge that cannot be made fails no call: the attempts under way go on.
                    guard let place = try? placeNow(call, number: retry.attempts + 1, avoid: avoid),
                        let begun = try? begin(place, call, &retry, &last)
                    else { continue }
                    start(begun, &group)
                case .due:
                    break
                case .answered(let number, let answer):
                    guard let attempt = running.removeValue(forKey: number) else { continue }
                    let judgement = Judgement(answer)
                    if !running.isEmpty, judgement.isFailure, retry.othersGoOn(after: judgement, on: attempt) {
                        attempt.end(judgement.result)
                        hedge(in: judgement.retryAfter ?? .zero, &group)
                        continue
                    }
                    for loser in running.values { loser.end(judgement.isFailure ? .abandoned : .outrun) }
                    running = [:]
                    group.cancelAll()
                    last = attempt
                    return (attempt, answer)
                }
            }
            // The group has a task as long as an attempt runs.
            return (first.attempt, .failure(HTTPFailure(CancellationError())))
        }
    }

    /// Begins an attempt at a node.
    ///
    /// - Throws: The error of a middleware.
    func begin(
        _ placed: HTTPAttempt, _ call: Call, _ retry: inout RetryState, _ last: inout HTTPAttempt?
    ) throws -> (attempt: HTTPAttempt, headers: CallMetadata) {
        var attempt = placed
        retry.begin()
        do {
            let headers = try attempt.begin(call)
            last = attempt
            return (attempt, headers)
        } catch {
            attempt.end(.abandoned)
            throw error
        }
    }
}

/// The judgement of an attempt by its answer.
struct Judgement: Sendable {
    let status: CallStatus
    let code: ServiceError.Code?
    /// Whether the instance may have begun to process the call.
    let wasSent: Bool
    /// Whether a limit or a circuit breaker of the instance has refused the call.
    let isRefusal: Bool
    /// The pause that the server asks for.
    let retryAfter: Duration?
    /// The load that the instance has told.
    let load: LoadReport?
    /// The failure that a status means.
    let failure: ServiceError?

    init(_ answer: ServiceHTTPClient.Answer) {
        switch answer {
        case .success(let response):
            let status = HTTPResponse.Status(response.status)
            failure = status.code < 400 ? nil : ServiceError(status: status)
            self.status = CallStatus(status)
            code = failure?.code
            wasSent = true
            isRefusal =
                [.tooManyRequests, .serviceUnavailable].contains(status)
                && response.headers.contains(name: CallRefusal.trailer)
            retryAfter = response.headers.first(name: "retry-after").flatMap(Int.init).map { .seconds($0) }
            load = LoadReport(response.headers)
        case .failure(let error):
            failure = error.error
            status = error.status
            code = error.error.code
            wasSent = error.wasSent
            (isRefusal, retryAfter, load) = (false, nil, nil)
        }
    }

    var isFailure: Bool { failure != nil }

    /// The attempt's result, if its body says nothing else.
    var result: AttemptResult {
        // By HTTP the status alone says that the caller makes too many calls; an overloaded server of the kit marks it.
        let isOverRate = status == .resourceExhausted && !isRefusal
        return AttemptResult(
            status, code: code, wasSent: wasSent, isRefusal: isRefusal, isOverRate: isOverRate, load: load)
    }
}
