internal import ServiceKitConcurrency
internal import Synchronization

/// The token that calls carry. One fetch serves all callers; a new fetch follows when etcd refuses the token.
final class Authenticator: Sendable {
    /// A token and its number. By the number, many calls that find the same token refused renew it once.
    struct Token: Sendable {
        let value: String
        let number: Int
    }

    private struct State {
        /// The token, or the fetch under way; `nil` before the first fetch, and after a failure or a refusal.
        var token: Promise<Token>?
        /// The number of that token.
        var number = 0
    }

    private let state = Mutex(State())

    /// The token. If there is none, calls `fetch`, of which only one runs at a time, and waits until the deadline.
    /// Throws any error of `fetch`, ``EtcdError`` with code `timeout`, or `CancellationError`.
    func token(
        until deadline: ContinuousClock.Instant,
        _ fetch: @escaping @Sendable () async throws -> String
    ) async throws -> Token {
        let (promise, number) = state.withLock { state -> (Promise<Token>, Int?) in
            if let token = state.token { return (token, nil) }
            let token = Promise<Token>()
            state.token = token
            state.number += 1
            return (token, state.number)
        }
        if let result = promise.result { return try result.get() }
        if let number {
            // The task is unstructured, since other callers wait for its token too: the first caller may give up
            // without ending the fetch. The task ends with the call's own time limit.
            Task { [self] in
                let result = await Result { Token(value: try await fetch(), number: number) }
                if case .failure = result { drop(number) }
                promise.resolve(result)
            }
        }
        let late = EtcdError(code: .timeout, message: "etcd: there was no token in time")
        return try await withDeadline(deadline, onExpiry: late) { try await promise.value() }
    }

    /// Drops a token that etcd refused.
    func invalidate(_ token: Token) {
        drop(token.number)
    }

    private func drop(_ number: Int) {
        state.withLock { if $0.number == number { $0.token = nil } }
    }
}
