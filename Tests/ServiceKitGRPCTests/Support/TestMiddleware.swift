import ServiceKit

/// Middleware made of a closure that begins each call.
struct Begin: Middleware {
    let body: @Sendable (inout Call) async throws -> Void

    init(_ body: @escaping @Sendable (inout Call) async throws -> Void) {
        self.body = body
    }

    func begin(_ call: inout Call) async throws {
        try await body(&call)
    }
}

/// Middleware made of a closure that gets the end of each call.
struct AtEnd: Middleware {
    let body: Call.End

    init(_ body: @escaping Call.End) {
        self.body = body
    }

    func begin(_ call: inout Call) {
        call.onEnd(body)
    }
}

/// Records calls and their ends.
struct Recorder: Middleware {
    let calls = Watched<[Call]>([])
    let results = Watched<[CallResult]>([])

    func begin(_ call: inout Call) {
        calls.update { [call] in $0.append(call) }
        call.onEnd { [results] _, result in
            results.update { [result] in $0.append(result) }
        }
    }

    /// The result of the first call; waits for it.
    func result() async throws -> CallResult {
        guard let result = await results.first(where: { !$0.isEmpty })?.first else { throw CancellationError() }
        return result
    }

    /// The error that the first call ended with; waits for its end.
    func error() async -> (any Error)? {
        await results.first { !$0.isEmpty }?.first?.error
    }
}
