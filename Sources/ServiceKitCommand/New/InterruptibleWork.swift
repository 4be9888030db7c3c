import ArgumentParser
import UnixSignals

/// Runs work that ctrl-C and SIGTERM end: they cancel its task, and its clean-up is awaited.
///
/// - Parameters:
///   - signals: The signals.
///   - work: The work. It ends soon after its task is cancelled.
/// - Throws: Any error of the work. After a signal: `ExitCode` 128 plus the signal's number, as in shells.
func withInterruption<Result: Sendable>(
    _ signals: [UnixSignal] = [.sigint, .sigterm],
    _ work: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    let sequence = await UnixSignalsSequence(trapping: signals)
    return try await withThrowingTaskGroup(of: Result?.self) { group in
        group.addTask {
            for await signal in sequence {
                throw ExitCode(128 + signal.rawValue)
            }
            return nil
        }
        group.addTask { try await work() }
        var signal: ExitCode?
        var failure: (any Error)?
        var result: Result?
        while result == nil, let next = await group.nextResult() {
            switch next {
            case .success(let value):
                if let value { result = value }
            case .failure(let code as ExitCode):
                signal = signal ?? code
                group.cancelAll()
            case .failure(let error):
                failure = failure ?? error
                group.cancelAll()
            }
        }
        group.cancelAll()
        if let result { return result }
        throw signal ?? failure ?? CancellationError()
    }
}
