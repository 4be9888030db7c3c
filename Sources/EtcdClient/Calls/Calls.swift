internal import GRPCCore
internal import GRPCNghttp2Transport
internal import Logging
internal import ServiceKitConcurrency
internal import SwiftProtobuf

/// Makes calls to the cluster: to a member that works, with a valid token, again where that is safe.
final class Calls: Sendable {
    private let members: Members
    private let credentials: EtcdConfig.Credentials?
    private let requestTimeout: Duration
    private let authenticator = Authenticator()
    let logger: Logger

    init(_ members: Members, _ config: EtcdConfig, logger: Logger) {
        self.members = members
        credentials = config.credentials
        requestTimeout = config.requestTimeout
        self.logger = logger
    }

    // MARK: - One request, one response

    /// Makes a call, within the request timeout unless another is given.
    func unary<Input: Message, Output: Message>(
        _ method: EtcdMethod<Input, Output>,
        _ request: Input,
        timeout: Duration? = nil
    ) async throws(EtcdError) -> Output {
        let limit = timeout ?? requestTimeout
        let deadline = ContinuousClock.now.advanced(by: limit)
        var attempts = Attempts()
        while true {
            let (index, member) = members.pick()
            let token: Authenticator.Token?
            do {
                token = try await self.token()
            } catch {
                throw failure(error, method.name, on: member)
            }
            do {
                let response = try await member.caller.unary(
                    method,
                    request,
                    metadata: metadata(for: method, token),
                    timeout: attemptTimeout(until: deadline, of: limit, isRepeatable: method.isRepeatable)
                )
                members.succeeded(index)
                return response
            } catch {
                let failure = failure(error, method.name, on: member)
                note(failure, index, token)
                guard attempts.mayRepeat(failure, error, isRepeatable: method.isRepeatable, hasToken: token != nil),
                    await pause(attempts.next(), until: deadline)
                else {
                    throw failure
                }
            }
        }
    }

    /// Makes a call to one member, once.
    func unary<Input: Message, Output: Message>(
        _ method: EtcdMethod<Input, Output>,
        _ request: Input,
        on endpoint: EtcdEndpoint,
        timeout: Duration? = nil
    ) async throws(EtcdError) -> Output {
        guard let member = members.all.first(where: { $0.endpoint == endpoint }) else {
            let known = members.all.map(\.endpoint.description).joined(separator: ", ")
            throw EtcdError(
                code: .invalidArgument, message: "etcd: \(endpoint) is none of this client's endpoints: \(known)")
        }
        let limit = timeout ?? requestTimeout
        do {
            let token = try await self.token()
            return try await member.caller.unary(
                method, request, metadata: metadata(for: method, token), timeout: limit)
        } catch {
            throw failure(error, method.name, on: member)
        }
    }

    /// Where there are others to ask, one that hangs gets half of the time.
    private func attemptTimeout(
        until deadline: ContinuousClock.Instant,
        of limit: Duration,
        isRepeatable: Bool
    ) -> Duration {
        let rest = max(.milliseconds(1), ContinuousClock.now.duration(to: deadline))
        return isRepeatable && members.all.count > 1 ? min(rest, limit / 2) : rest
    }

    private func pause(_ pause: Duration, until deadline: ContinuousClock.Instant) async -> Bool {
        guard ContinuousClock.now.advanced(by: pause) < deadline else { return false }
        do {
            try await Task.sleep(for: pause)
            return true
        } catch {
            return false
        }
    }

    // MARK: - Streams

    /// Makes a stream on a member that works. It returns when the member ends the stream.
    ///
    /// - Parameters:
    ///   - produce: Sends the requests.
    ///   - consume: Takes a response.
    ///   - watchdog: Throws when the member takes too long for something. It returns only when its task is cancelled.
    /// - Throws: ``EtcdError``: what went wrong; who is to blame is remembered, so that the next attempt is made
    ///   elsewhere or with a new token.
    func stream<Input: Message, Output: Message>(
        _ method: EtcdMethod<Input, Output>,
        produce: @escaping @Sendable (_ send: @Sendable (Input) async throws -> Void) async throws -> Void,
        consume: @escaping @Sendable (Output) async throws -> Void,
        watchdog: @escaping @Sendable () async throws(EtcdError) -> Void
    ) async throws(EtcdError) {
        let (index, member) = members.pick()
        var token: Authenticator.Token?
        do {
            token = try await self.token()
            let metadata = metadata(for: method, token)
            try await withThrowingTaskGroup(of: Void.self) { [members] group in
                group.addTask {
                    try await member.caller.stream(method, metadata: metadata, produce: produce) { response in
                        members.succeeded(index)
                        try await consume(response)
                    }
                }
                group.addTask { try await watchdog() }
                defer { group.cancelAll() }
                // Whichever ends first.
                try await group.next()
            }
        } catch {
            let failure = failure(error, method.name, on: member)
            note(failure, index, token)
            throw failure
        }
    }

    // MARK: - Tokens

    private func token() async throws -> Authenticator.Token? {
        guard let credentials else { return nil }
        return try await authenticator.token { [members, logger, requestTimeout] in
            let request = WireAuthenticateRequest.with {
                $0.name = credentials.username
                $0.password = credentials.password
            }
            // One attempt: whoever waits for it tries again, with the next member.
            let (index, member) = members.pick()
            do {
                let response = try await member.caller.unary(
                    .authenticate,
                    request,
                    metadata: [:],
                    timeout: requestTimeout / 2
                )
                members.succeeded(index)
                logger.debug("authenticated", metadata: ["user": "\(credentials.username)"])
                return response.token
            } catch let error as RPCError where error.message.hasSuffix("authentication is not enabled") {
                // Then nobody asks for a token.
                return ""
            } catch {
                let failure = EtcdError(error, "Authenticate as \"\(credentials.username)\"", on: member.endpoint)
                if failure.isMembers { members.failed(index) }
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

    private func failure(_ error: any Error, _ what: String, on member: Member) -> EtcdError {
        (error as? EtcdError) ?? EtcdError(error, what, on: member.endpoint)
    }

    /// Remembers who is to blame.
    private func note(_ failure: EtcdError, _ index: Int, _ token: Authenticator.Token?) {
        if failure.isMembers { members.failed(index) }
        if failure.code == .unauthenticated, let token { authenticator.invalidate(token) }
    }
}

/// The attempts at one call.
private struct Attempts {
    private var backoff = Backoff(base: .milliseconds(25), maximum: .seconds(1))
    private var renewals = 0

    /// How often a call is made again with a new token.
    private static let maxRenewals = 2

    mutating func next() -> Duration { backoff.next() }

    mutating func mayRepeat(_ failure: EtcdError, _ error: any Error, isRepeatable: Bool, hasToken: Bool) -> Bool {
        if Task.isCancelled { return false }
        switch failure.code {
        case .unauthenticated:
            renewals += 1
            return hasToken && renewals <= Self.maxRenewals
        case .noLeader, .tooManyRequests:
            return true
        case .unavailable, .timeout:
            return isRepeatable || (error as? RPCError)?.cause is CallNotProcessed
        default:
            return false
        }
    }
}

extension EtcdError {
    /// Whether another member may do better.
    fileprivate var isMembers: Bool {
        switch code {
        case .unavailable, .timeout, .noLeader: true
        default: false
        }
    }
}
