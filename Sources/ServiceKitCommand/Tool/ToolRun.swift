import ServiceKitConcurrency
import Subprocess

/// A run of a program with a time limit. It ends with kit.
struct ToolRun: Sendable {
    /// The largest output that is kept, in bytes.
    private static let maximumOutput = 16 << 20

    /// The program's name on the `PATH`.
    let program: String
    let arguments: [String]
    let limit: Duration

    struct Outcome: Sendable {
        let isSuccess: Bool
        let output: String
        let errors: String

        /// The line that explains the failure best.
        var reason: String {
            let lines = (errors + "\n" + output).split(separator: "\n").map(String.init)
            let line = lines.first { $0.contains("error:") || $0.hasPrefix("fatal:") } ?? lines.first
            return line ?? "it failed without a message"
        }
    }

    /// Whether a program with this name exists.
    static func exists(_ program: String) async -> Bool {
        (try? await Executable.name(program).resolveExecutablePath(in: .inherit)) != nil
    }

    /// Runs a program for `kit doctor`. Returns the output, or the reason of its failure; `nil` when the program does
    /// not exist.
    static func output(_ program: String, _ arguments: String...) async -> String? {
        guard await exists(program) else { return nil }
        do {
            let outcome = try await ToolRun(program: program, arguments: arguments, limit: DoctorCommand.limit)()
            return outcome.isSuccess ? outcome.output : outcome.reason
        } catch {
            return "\(error)"
        }
    }

    /// Whether a program exists and succeeds, for `kit doctor`.
    static func succeeds(_ program: String, _ arguments: String...) async -> Bool {
        let run = ToolRun(program: program, arguments: arguments, limit: DoctorCommand.limit)
        return (try? await run().isSuccess) ?? false
    }

    /// Runs the program. Throws `CommandFailure` when it does not exist or takes too long; `CancellationError`.
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
