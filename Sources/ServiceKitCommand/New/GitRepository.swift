/// Makes a new directory a git repository.
struct GitRepository: Sendable {
    /// The time limit of a git command.
    private static let limit = Duration.seconds(20)

    let directory: String

    /// Whether a directory already belongs to a repository.
    static func contains(_ directory: String) async throws -> Bool {
        try await GitRepository(directory: directory).git(["rev-parse", "--is-inside-work-tree"]).isSuccess
    }

    /// Makes the directory a repository. Its first commit contains all files. Throws `CommandFailure` with git's
    /// message; `CancellationError`.
    func create(message: String) async throws {
        for arguments in [["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", message]] {
            let outcome = try await git(arguments)
            guard outcome.isSuccess else { throw CommandFailure("git \(arguments[0]): \(outcome.reason)") }
        }
    }

    private func git(_ arguments: [String]) async throws -> ToolRun.Outcome {
        try await ToolRun(program: "git", arguments: ["-C", directory] + arguments, limit: Self.limit)()
    }
}
