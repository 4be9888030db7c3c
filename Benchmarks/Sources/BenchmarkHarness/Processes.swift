import ArgumentParser
package import Subprocess
import UnixSignals

/// A measurement that could not be made.
package struct MeasurementError: Error, CustomStringConvertible {
    package var description: String

    /// Creates the error.
    package init(description: String) {
        self.description = description
    }
}

/// Runs a body with a time limit. The processes and tasks that the body has started end with it.
///
/// - Throws: ``MeasurementError`` if it takes longer.
package func withTimeLimit<Result: Sendable>(
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

/// Runs a body unless a signal tells this process to end: then the body's processes and tasks end first.
///
/// - Throws: `ExitCode` after a signal; any error of `body`.
package func untilSignalled(_ body: @escaping @Sendable () async throws -> Void) async throws {
    let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask(operation: body)
        group.addTask {
            for await signal in signals {
                // Shells report a process that a signal has ended in this way.
                throw ExitCode(128 + signal.rawValue)
            }
        }
        defer { group.cancelAll() }
        try await group.next()
    }
}

/// Runs a program to its end.
///
/// - Parameters:
///   - executable: The program.
///   - arguments: The program's arguments.
///   - onLine: Is called with each line of the program's standard output as it comes. The program's further output
///     waits meanwhile.
/// - Returns: The program's standard output.
/// - Throws: ``MeasurementError`` if the program fails; any error of `onLine`.
@discardableResult
package func output(
    of executable: Executable,
    _ arguments: [String],
    onLine: @escaping @Sendable (String) async throws -> Void = { _ in }
) async throws -> String {
    // The program's standard input is open for as long as this process lives.
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
            try await onLine(line)
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

/// Whether a program is on the `PATH`.
package func isInstalled(_ program: String) async -> Bool {
    (try? await Executable.name(program).resolveExecutablePath(in: .inherit)) != nil
}
