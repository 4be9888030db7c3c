package import Testing

/// Returns when a condition holds. If it never does, the time limit of the suite ends the wait, and the issue tells which
/// one it was.
package func eventually(
    sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    while try await !condition() {
        if Task.isCancelled {
            Issue.record("this never came to hold", sourceLocation: sourceLocation)
            throw CancellationError()
        }
        // A condition of another process is not to be asked for all the time.
        try? await Task.sleep(for: .milliseconds(5))
    }
}
