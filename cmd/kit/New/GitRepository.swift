import Subprocess

/// Makes a new directory a repository of git.
struct GitRepository: Sendable {
    /// How long one command of git may take.
    private static let limit = Duration.seconds(20)

    let directory: String

    /// Whether a directory is part of a repository already.
    static func contains(_ directory: String) async throws -> Bool {
        try await GitRepository(directory: directory).git("rev-parse", "--is-inside-work-tree") == nil
    }

    /// Makes the directory a repository whose first commit is what it holds.
    ///
    /// - Returns: Why that did not work; `nil` when it did.
    /// - Throws: `CancellationError`.
    func create(message: String) async throws -> String? {
        if let failure = try await git("init", "--quiet") { return failure }
        if let failure = try await git("add", "--all") { return failure }
        return try await git("commit", "--quiet", "--message", message)
    }

    /// Runs a command of git.
    ///
    /// - Returns: What it said when it failed; `nil` when it did not.
    private func git(_ arguments: String...) async throws -> String? {
        var options = PlatformOptions()
        // A group of its own: ctrl-C is for this program, which then ends git.
        options.processGroupID = 0
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .milliseconds(500))]
        do {
            let result = try await run(
                .name("git"),
                arguments: Arguments(["-C", directory] + arguments),
                platformOptions: options,
                output: .discarded,
                error: .string(limit: 65_536)
            )
            try Task.checkCancellation()
            if result.terminationStatus.isSuccess { return nil }
            let lines = result.standardError.split(separator: "\n")
            let reason = lines.first { $0.hasPrefix("fatal:") || $0.hasPrefix("error:") } ?? lines.first ?? "it failed"
            return "git \(arguments[0]): \(reason)"
        } catch let error as SubprocessError {
            try Task.checkCancellation()
            return error.code == .executableNotFound ? "git is not on the PATH" : "git \(arguments[0]): \(error)"
        }
    }
}
