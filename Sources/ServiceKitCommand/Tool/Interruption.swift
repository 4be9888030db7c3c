import ArgumentParser
import UnixSignals

/// Ctrl-C and SIGTERM, which are caught from the creation of this value on.
struct Interruption: Sendable {
    private let signals: UnixSignalsSequence

    init() async {
        signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
    }

    /// Runs work. A signal cancels its task, and its clean-up is awaited.
    ///
    /// - Parameter work: The work. It ends soon after its task is cancelled.
    /// - Returns: The result of the work, even if a signal came before its end.
    /// - Throws: Any error of the work. After a signal: `ExitCode` 128 plus the signal's number, as in shells.
    func limit<Result: Sendable>(_ work: @escaping @Sendable () async throws -> Result) async throws -> Result {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { [signals] in
                for await signal in signals { throw ExitCode(128 + signal.rawValue) }
                return nil
            }
            group.addTask { try await work() }
            defer { group.cancelAll() }
            var interruption: ExitCode?
            while let next = await group.nextResult() {
                switch next {
                case .success(let result?): return result
                case .success(nil): continue
                case .failure(let error):
                    guard interruption == nil, let code = error as? ExitCode else { throw interruption ?? error }
                    interruption = code
                    group.cancelAll()
                }
            }
            throw interruption ?? CancellationError()
        }
    }
}
