import ServiceKit

/// Middleware made of a closure.
struct Around: Middleware {
    let body: @Sendable (Call, Next) async throws -> CallResult

    init(_ body: @escaping @Sendable (Call, Next) async throws -> CallResult) {
        self.body = body
    }

    func handle(_ call: Call, next: Next) async throws -> CallResult {
        try await body(call, next)
    }
}

/// Keeps the calls that pass, and how they ended.
struct Recorder: Middleware {
    let calls = Watched<[Call]>([])
    let results = Watched<[Result<CallResult, any Error>]>([])

    func handle(_ call: Call, next: Next) async throws -> CallResult {
        calls.update { $0.append(call) }
        do {
            let result = try await next(call)
            results.update { $0.append(.success(result)) }
            return result
        } catch {
            results.update { $0.append(.failure(error)) }
            throw error
        }
    }

    /// The first call's end.
    func result() async throws -> CallResult {
        guard let result = await results.first(where: { !$0.isEmpty })?.first else { throw CancellationError() }
        return try result.get()
    }

    /// The error that the first call ended with.
    func error() async -> (any Error)? {
        do {
            _ = try await result()
            return nil
        } catch {
            return error
        }
    }
}
