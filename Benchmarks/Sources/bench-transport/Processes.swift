import ArgumentParser
import Subprocess
import UnixSignals

/// A measurement that could not be made.
struct MeasurementError: Error, CustomStringConvertible {
    var description: String
}

/// Does something with a limit to the time it may take. What it has started ends with it.
///
/// - Throws: ``MeasurementError`` if it takes longer.
func withTimeLimit<Result: Sendable>(
    _ limit: Duration,
    _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    try await withThrowingTaskGroup(of: Result.self) { group in
        group.addTask(operation: body)
        group.addTask {
            try await Task.sleep(for: limit)
            throw MeasurementError(description: "it did not end within \(limit)")
        }
        defer { group.cancelAll() }
        guard let result = try await group.next() else { throw CancellationError() }
        return result
    }
}

/// Does something unless this process is told to end before: then what has been started ends first.
///
/// - Throws: `ExitCode` if it was told; what `body` throws.
func untilSignalled(_ body: @escaping @Sendable () async throws -> Void) async throws {
    let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask(operation: body)
        group.addTask {
            for await signal in signals {
                // As shells report a process that a signal has ended.
                throw ExitCode(128 + signal.rawValue)
            }
        }
        defer { group.cancelAll() }
        try await group.next()
    }
}

/// Runs a program to its end.
///
/// - Returns: What it wrote to its standard output.
/// - Throws: ``MeasurementError`` if it fails.
func output(of executable: Executable, _ arguments: [String]) async throws -> String {
    // Its standard input is open for as long as this process lives.
    let result = try await Subprocess.run(
        executable,
        arguments: Arguments(arguments),
        input: .inputWriter,
        output: .sequence,
        error: .string(limit: 1 << 20)
    ) { execution in
        var text = ""
        for try await line in execution.standardOutput.strings() {
            text += line + "\n"
        }
        return text
    }
    guard result.terminationStatus.isSuccess else {
        throw MeasurementError(
            description: """
                \(executable) \(arguments.joined(separator: " ")): \(result.terminationStatus)
                \(result.closureResult)\(result.standardError)
                """
        )
    }
    return result.closureResult
}

/// Whether a program is to be found on the `PATH`.
func isInstalled(_ program: String) async -> Bool {
    (try? await Executable.name(program).resolveExecutablePath(in: .inherit)) != nil
}
