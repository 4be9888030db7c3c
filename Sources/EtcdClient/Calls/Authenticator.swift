internal import ServiceKitConcurrency
internal import Synchronization

/// The token that calls carry: fetched once for all who need it, and again when etcd no longer takes it.
final class Authenticator: Sendable {
    /// A token and which one it is, so that many who find it refused renew it once.
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

    /// The token, fetched by `fetch` if there is none; one call of it is under way at a time.
    ///
    /// - Parameters:
    ///   - deadline: When to wait no longer.
    ///   - fetch: Fetches a token.
    /// - Throws: What `fetch` throws, ``EtcdError`` with code `timeout`, or `CancellationError`.
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
            // Unstructured, since others wait for it as well: who came first may give up without taking it from them.
            // It ends with the call's own time limit.
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

    /// etcd does not take a token any more.
    func invalidate(_ token: Token) {
        holder.withLock { holder in
            if case .valid(let current) = holder.state, current.number == token.number { holder.state = .none }
        }
    }
}
