import ServiceKitConcurrency
import Subprocess

/// A run of a program that kit needs: bounded in time, and ended with kit.
struct ToolRun: Sendable {
    /// The most output that is kept.
    private static let maximumOutput = 4 << 20

    /// The program's name, looked for on the `PATH`.
    let program: String
    let arguments: [String]
    /// How long it may take.
    let limit: Duration

    /// How it ended.
    struct Outcome: Sendable {
        let isSuccess: Bool
        let output: String
        let errors: String

        /// The line that says most of why it failed.
        var reason: String {
            let lines = (errors + "\n" + output).split(separator: "\n").map(String.init)
            let line = lines.first { $0.contains("error:") || $0.hasPrefix("fatal:") } ?? lines.first
            return line ?? "it failed and said nothing"
        }
    }

    /// Whether there is a program of this name.
    static func exists(_ program: String) async -> Bool {
        (try? await Executable.name(program).resolveExecutablePath(in: .inherit)) != nil
    }

    /// Runs it.
    ///
    /// - Throws: `CommandFailure` when it is not there or takes too long; `CancellationError`.
    func callAsFunction() async throws -> Outcome {
        let configuration = try await Configuration.tool(program, arguments, endedBy: .terminate, within: .seconds(2))
        let late = CommandFailure("\(program) took longer than \(limit)")
        do {
            let result = try await withDeadline(.now + limit, onExpiry: late) {
                try await Subprocess.run(
                    configuration,
                    output: .string(limit: Self.maximumOutput),
                    error: .string(limit: Self.maximumOutput)
                )
            }
            try Task.checkCancellation()
            return Outcome(
                isSuccess: result.terminationStatus.isSuccess,
                output: result.standardOutput,
                errors: result.standardError
            )
        } catch let error as SubprocessError {
            try Task.checkCancellation()
            throw CommandFailure("\(program) could not be run: \(error)")
        }
    }
}
