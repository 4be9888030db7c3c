/// Runs programs of the system.
enum Tool {
    /// Runs a program with a short output.
    ///
    /// - Returns: The output, or the reason of its failure; `nil` when the program does not exist.
    static func output(_ name: String, _ arguments: String...) async -> String? {
        guard await ToolRun.exists(name) else { return nil }
        do {
            let outcome = try await run(name, arguments)
            return outcome.isSuccess ? outcome.output : outcome.reason
        } catch {
            return "\(error)"
        }
    }

    /// Whether a program exists and succeeds.
    static func succeeds(_ name: String, _ arguments: String...) async -> Bool {
        (try? await run(name, arguments).isSuccess) ?? false
    }

    private static func run(_ name: String, _ arguments: [String]) async throws -> ToolRun.Outcome {
        try await ToolRun(program: name, arguments: arguments, limit: DoctorCommand.limit)()
    }

    /// The first version number in a text: `6.3.1`.
    static func version(in text: String) -> [Int]? {
        guard let match = text.firstMatch(of: /\d+(\.\d+)+/) else { return nil }
        return match.output.0.split(separator: ".").compactMap { Int($0) }
    }

    static func text(_ version: [Int]) -> String {
        version.map(String.init).joined(separator: ".")
    }
}
