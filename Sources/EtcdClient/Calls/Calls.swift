internal import GRPCCore
internal import GRPCNghttp2Transport
internal import Logging
internal import ServiceKitConcurrency
internal import SwiftProtobuf
internal import Synchronization

/// Makes calls to the cluster: picks a working member, adds a valid token, and repeats a call where that is safe.
final class Calls: Sendable {
    private let members: Members
    private let credentials: EtcdConfig.Credentials?
    private let requestTimeout: Duration
    private let authenticator = Authenticator()
    private let isClosed = Atomic(false)
    let logger: Logger

    init(_ members: Members, _ config: EtcdConfig, logger: Logger) {
        self.members = members
        credentials = config.credentials
        requestTimeout = config.requestTimeout
        self.logger = logger
    }

    /// Lets no call begin from now on. A call that fails from now on fails with `closed`.
    func close() {
        isClosed.store(true, ordering: .relaxed)
    }

    // MARK: - One request, one response

    /// Makes a call, within the request timeout by default. A call to one member only is repeated with a new token
    /// alone. A repeatable call may be repeated although etcd may have carried it out; by default the method knows.
    func unary<Input: Message, Output: Message>(
        _ method: EtcdMethod<Input, Output>,
        _ request: Input,
        on endpoint: EtcdEndpoint? = nil,
        isRepeatable: Bool? = nil,
        timeout: Duration? = nil
    ) async throws(EtcdError) -> Output {
        let only = try index(of: endpoint)
        let count = only == nil ? members.all.count : 1
        let isRepeatable = isRepeatable ?? method.isRepeatable
        let limit = timeout ?? requestTimeout
        let start = ContinuousClock.now
        let deadline = start.advanced(by: limit)
        // A call that reaches no member fails sooner than a call that waits for an answer.
        let unreachableDeadline = start.advanced(by: limit / 4)
        // If there are other members, a member that hangs gets half of the time.
        let longest = isRepeatable && count > 1 ? limit / 2 : limit
        var attempts = Attempts()
        while true {
            do throws(FailedAttempt) {
                let index = if let only { only } else { await members.pick(until: start.advanced(by: limit / 2)).index }
                return try await attempt(method, request, on: index, until: deadline, longest)
            } catch {
                let isUnreachable = error.failure.code == .unavailable && attempts.count >= count
                guard only == nil || error.isTokenFault,
                    attempts.mayRepeat(after: error, isRepeatable: isRepeatable, of: count),
                    await pause(attempts.next(), until: isUnreachable ? unreachableDeadline : deadline)
                else {
                    throw await explained(error.failure, request)
                }
            }
        }
    }

    private func index(of endpoint: EtcdEndpoint?) throws(EtcdError) -> Int? {
        guard let endpoint else { return nil }
        if let index = members.all.firstIndex(where: { $0.endpoint == endpoint }) { return index }
        let known = members.all.map(\.endpoint.description).joined(separator: ", ")
        throw EtcdError(
            code: .invalidArgument, message: "etcd: \(endpoint) is none of this client's endpoints: \(known)")
    }

    private func attempt<Input: Message, Output: Message>(
        _ method: EtcdMethod<Input, Output>,
        _ request: Input,
        on index: Int,
        until deadline: ContinuousClock.Instant,
        _ longest: Duration
    ) async throws(FailedAttempt) -> Output {
        let member = members.all[index]
        let token: Authenticator.Token?
        do {
            token = try await self.token(until: deadline)
        } catch {
            throw FailedAttempt(index: index, failure: failure(error, method.name, on: member), isProcessed: false)
        }
        do {
            let response = try await member.caller.unary(
                method,
                request,
                metadata: metadata(for: method, token),
                timeout: min(longest, max(.milliseconds(1), ContinuousClock.now.duration(to: deadline)))
            )
            members.succeeded(index)
            return response
        } catch {
            let failure = failure(error, method.name, on: member)
            note(failure, index, token)
            throw FailedAttempt(
                index: index,
                failure: failure,
                isProcessed: !((error as? RPCError)?.cause is CallNotProcessed),
                hasToken: token != nil
            )
        }
    }

    private func pause(_ pause: Duration, until deadline: ContinuousClock.Instant) async -> Bool {
        guard ContinuousClock.now.advanced(by: pause) < deadline else { return false }
        return (try? await Task.sleep(for: pause)) != nil
    }

    // MARK: - Streams

    /// Makes a stream on a working member. Returns whether `produce`, which sends the requests, ended the stream, and
    /// not the member. The stream fails when an answer of the member is overdue; `answersChanged` is raised when the
    /// deadline of the next answer changes. After a failure, the next attempt avoids the member, or uses a new token, if
    /// that was at fault.
    func stream<Input: Message, Output: Message>(
        _ method: EtcdMethod<Input, Output>,
        produce: @escaping @Sendable (_ send: @Sendable (Input) async throws -> Void) async throws -> Void,
        consume: @escaping @Sendable (Output) async throws -> Void,
        answerDeadline: @escaping @Sendable () -> ContinuousClock.Instant?,
        answersChanged: Signal
    ) async throws(EtcdError) -> Bool {
        let (index, member) = await members.pick(until: .now.advanced(by: requestTimeout / 2))
        var token: Authenticator.Token?
        do {
            token = try await self.token(until: .now.advanced(by: requestTimeout))
            let metadata = metadata(for: method, token)
            return try await withThrowingTaskGroup(of: Bool.self) { [members] group in
                let isProduced = Promise<Void>()
                group.addTask {
                    try await member.caller.stream(method, metadata: metadata) { send in
                        try await produce(send)
                        // `produce` also returns when the call has failed and this task is cancelled.
                        try Task.checkCancellation()
                        isProduced.resolve(.success(()))
                        // Cancels the stream instead of closing it: a member that hangs would not close its side.
                        try await Promise<Void>().value()
                    } consume: { response in
                        members.succeeded(index)
                        try await consume(response)
                    }
                    return false
                }
                group.addTask {
                    try await isProduced.value()
                    return true
                }
                group.addTask {
                    while !Task.isCancelled {
                        let deadline = answerDeadline()
                        if let deadline, deadline <= .now {
                            throw EtcdError(code: .timeout, message: "etcd: an answer to \(method.name) is overdue")
                        }
                        await answersChanged.wait(until: deadline)
                    }
                    return false
                }
                defer { group.cancelAll() }
                // The first task to end decides.
                return try await group.next() ?? false
            }
        } catch {
            let failure = failure(error, method.name, on: member)
            note(failure, index, token)
            throw failure
        }
    }

    // MARK: - Tokens

    private func token(until deadline: ContinuousClock.Instant) async throws -> Authenticator.Token? {
        if isClosed.load(ordering: .relaxed) { throw EtcdError.closed }
        guard let credentials else { return nil }
        return try await authenticator.token(until: deadline) { [members, logger, requestTimeout] in
            let request = WireAuthenticateRequest.with {
                $0.name = credentials.username
                $0.password = credentials.password
            }
            // One attempt: the call that waits for the token tries again, with the next member.
            let (index, member) = await members.pick(until: .now.advanced(by: requestTimeout / 4))
            do {
                let response = try await member.caller.unary(
                    EtcdMethods.authenticate,
                    request,
                    metadata: [:],
                    timeout: requestTimeout / 2
                )
                members.succeeded(index)
                logger.debug("authenticated", metadata: ["user": "\(credentials.username)"])
                return response.token
            } catch let error as RPCError where error.message.hasSuffix("authentication is not enabled") {
                // An etcd without authentication wants no token.
                return ""
            } catch {
                let failure = EtcdError(error, "Authenticate as \"\(credentials.username)\"", on: member.endpoint)
                if failure.isMemberFault { members.failed(index) }
                throw failure
            }
        }
    }

    private func metadata<Input, Output>(
        for method: EtcdMethod<Input, Output>, _ token: Authenticator.Token?
    ) -> Metadata {
        var metadata = Metadata()
        if method.needsLeader { metadata.addString("true", forKey: "hasleader") }
        if let token, !token.value.isEmpty { metadata.addString(token.value, forKey: "token") }
        return metadata
    }

    // MARK: - Failures

    /// Adds the user, the user's roles and the keys to a refusal.
    private func explained(_ failure: EtcdError, _ request: some Message) async -> EtcdError {
        guard failure.code == .permissionDenied else { return failure }
        var failure = failure
        let keys = (request as? any KeyedRequest)?.ranges ?? []
        failure.message += Refusal(user: credentials?.username, roles: await roles(), keys: keys).text
        return failure
    }

    /// The roles of the client's user. etcd tells a user its own roles; `nil` if it does not.
    private func roles() async -> [String]? {
        guard let credentials else { return nil }
        let limit = min(requestTimeout, Self.maxRolesTimeout)
        let deadline = ContinuousClock.now.advanced(by: limit)
        do throws(FailedAttempt) {
            let request = WireAuthUserGetRequest.with { $0.name = credentials.username }
            let index = await members.pick(until: deadline).index
            return try await attempt(EtcdMethods.userGet, request, on: index, until: deadline, limit).roles
        } catch {
            return nil
        }
    }

    /// The longest time that an error waits for the user's roles.
    private static let maxRolesTimeout = Duration.seconds(2)

    private func failure(_ error: any Error, _ what: String, on member: Member) -> EtcdError {
        if isClosed.load(ordering: .relaxed), !Task.isCancelled { return .closed }
        return (error as? EtcdError) ?? EtcdError(error, what, on: member.endpoint)
    }

    /// Remembers the member or the token that was at fault.
    private func note(_ failure: EtcdError, _ index: Int, _ token: Authenticator.Token?) {
        if failure.isMemberFault { members.failed(index) }
        if failure.code == .unauthenticated, let token { authenticator.invalidate(token) }
    }
}

private struct FailedAttempt: Error {
    /// The index of the member.
    let index: Int
    let failure: EtcdError
    /// Whether etcd may have carried out the request.
    let isProcessed: Bool
    /// Whether the request carried a token.
    var hasToken = false

    /// Whether a new token may help.
    var isTokenFault: Bool { failure.code == .unauthenticated && hasToken }
}

private struct Attempts {
    private var backoff = Backoff(base: .milliseconds(25), maximum: .seconds(1))
    private var renewals = 0
    /// The members that do not know etcd's requests.
    private var strangers: Set<Int> = []
    /// The number of failed attempts.
    private(set) var count = 0

    /// The number of times that a call is repeated with a new token.
    private static let maxRenewals = 2

    mutating func next() -> Duration { backoff.next() }

    /// Counts a failed attempt. `members` is the number of members that the call may go to.
    mutating func mayRepeat(after attempt: FailedAttempt, isRepeatable: Bool, of members: Int) -> Bool {
        count += 1
        if Task.isCancelled { return false }
        switch attempt.failure.code {
        case .unauthenticated:
            renewals += 1
            return attempt.isTokenFault && renewals <= Self.maxRenewals
        case .noLeader, .tooManyRequests:
            return true
        case .unsupported:
            // The endpoint is not an etcd: nothing was carried out, and each other endpoint may be one.
            strangers.insert(attempt.index)
            return strangers.count < members
        case .unavailable, .timeout:
            return isRepeatable || !attempt.isProcessed
        default:
            return false
        }
    }
}

extension EtcdError {
    /// Whether another member may succeed.
    fileprivate var isMemberFault: Bool {
        [.unavailable, .timeout, .noLeader, .unsupported].contains(code)
    }
}
