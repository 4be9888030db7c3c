import UnixSignals

/// Ctrl-C and SIGTERM. They end the running work.
struct Interruption: Sendable {
    private let signals: UnixSignalsSequence

    /// Begins to catch the signals.
    init() async {
        signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
    }

    /// Runs a body. A signal cancels it.
    func limit(_ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await body() }
            group.addTask { [signals] in
                for await _ in signals { return }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}
