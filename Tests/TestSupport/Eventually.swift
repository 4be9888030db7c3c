package import Testing

/// Returns when a condition holds. If it never holds, the time limit of the suite ends the wait, and the issue names
/// the condition.
package func eventually(
    sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    while try await !condition() {
        if Task.isCancelled {
            Issue.record("this never came to hold", sourceLocation: sourceLocation)
            throw CancellationError()
        }
        // Asking another process for a condition all the time would slow it down.
        try? await Task.sleep(for: .milliseconds(5))
    }
}
