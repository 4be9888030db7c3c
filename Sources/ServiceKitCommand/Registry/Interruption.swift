import UnixSignals

/// Ctrl-C and SIGTERM, which end what runs until then.
struct Interruption: Sendable {
    private let signals: UnixSignalsSequence

    /// Takes the signals from now on.
    init() async {
        signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
    }

    /// Runs a body until it ends or a signal comes, which cancels it.
    func limit(_ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask(operation: body)
            group.addTask { [signals] in
                for await _ in signals { return }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}
