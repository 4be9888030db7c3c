import Subprocess

/// Asks programs of the system.
enum Tool {
    /// Runs a program that says little and soon.
    ///
    /// - Returns: Its output if it succeeded; `nil` when it failed or is not there.
    static func output(_ name: String, _ arguments: String...) async -> String? {
        let result = try? await run(
            .name(name),
            arguments: Arguments(arguments),
            output: .string(limit: 65_536),
            error: .discarded
        )
        guard let result, result.terminationStatus.isSuccess else { return nil }
        return result.standardOutput
    }

    /// Whether there is a program of this name.
    static func exists(_ name: String) async -> Bool {
        (try? await Executable.name(name).resolveExecutablePath(in: .inherit)) != nil
    }

    /// The first thing in a text that looks like a version: `6.3.1`.
    static func version(in text: String) -> [Int]? {
        guard let match = text.firstMatch(of: /\d+(\.\d+)+/) else { return nil }
        return match.output.0.split(separator: ".").compactMap { Int($0) }
    }

    static func text(_ version: [Int]) -> String {
        version.map(String.init).joined(separator: ".")
    }
}
