internal import ServiceKitConcurrency
internal import Synchronization

/// The token that calls carry. One fetch serves all callers; a new fetch follows when etcd refuses the token.
final class Authenticator: Sendable {
    /// A token and its number. By the number, many calls that find the same token refused renew it once.
    struct Token: Sendable {
        let value: String
        let number: Int
    }

    private enum State {
        case none
        case fetching(Promise<Token>)
        case valid(Token)
    }

    private struct Holder {
        var state = State.none
        var count = 0
    }

    private enum Next {
        case fetch(Promise<Token>, number: Int)
        case wait(Promise<Token>)
        case use(Token)
    }

    private let holder = Mutex(Holder())

    /// The token. If there is none, calls `fetch`, of which only one runs at a time, and waits until the deadline.
    /// Throws any error of `fetch`, ``EtcdError`` with code `timeout`, or `CancellationError`.
    func token(
        until deadline: ContinuousClock.Instant,
        _ fetch: @escaping @Sendable () async throws -> String
    ) async throws -> Token {
        let next = holder.withLock { holder -> Next in
            switch holder.state {
            case .valid(let token):
                return .use(token)
            case .fetching(let promise):
                return .wait(promise)
            case .none:
                let promise = Promise<Token>()
                holder.state = .fetching(promise)
                holder.count += 1
                return .fetch(promise, number: holder.count)
            }
        }
        switch next {
        case .use(let token):
            return token
        case .wait(let promise):
            return try await value(of: promise, until: deadline)
        case .fetch(let promise, let number):
            // The task is unstructured, since other callers wait for its token too: the first caller may give up
            // without ending the fetch. The task ends with the call's own time limit.
            Task { [self] in
                do {
                    let token = Token(value: try await fetch(), number: number)
                    holder.withLock { $0.state = .valid(token) }
                    promise.resolve(.success(token))
                } catch {
                    holder.withLock { $0.state = .none }
                    promise.resolve(.failure(error))
                }
            }
            return try await value(of: promise, until: deadline)
        }
    }

    private func value(of promise: Promise<Token>, until deadline: ContinuousClock.Instant) async throws -> Token {
        let late = EtcdError(code: .timeout, message: "etcd: there was no token in time")
        return try await withDeadline(deadline, onExpiry: late) { try await promise.value() }
    }

    /// Drops a token that etcd refused.
    func invalidate(_ token: Token) {
        holder.withLock { holder in
            if case .valid(let current) = holder.state, current.number == token.number { holder.state = .none }
        }
    }
}
