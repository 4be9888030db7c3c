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

/// Does something with a limit to the time it may take. What it has started ends with it.
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

/// Does something unless this process is told to end before: then what has been started ends first.
///
/// - Throws: `ExitCode` if it was told; what `body` throws.
package func untilSignalled(_ body: @escaping @Sendable () async throws -> Void) async throws {
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
/// - Parameters:
///   - executable: The program.
///   - arguments: What it is given.
///   - onLine: Is called with each line of its standard output as it comes; what else it writes waits meanwhile.
/// - Returns: What it wrote to its standard output.
/// - Throws: ``MeasurementError`` if it fails; what `onLine` throws.
@discardableResult
package func output(
    of executable: Executable,
    _ arguments: [String],
    onLine: @escaping @Sendable (String) async throws -> Void = { _ in }
) async throws -> String {
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

/// Whether a program is to be found on the `PATH`.
package func isInstalled(_ program: String) async -> Bool {
    (try? await Executable.name(program).resolveExecutablePath(in: .inherit)) != nil
}
