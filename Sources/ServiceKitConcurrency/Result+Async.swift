extension Result where Failure == any Error {
    /// The outcome of a body that waits.
    package init(catching body: () async throws -> Success) async {
        do {
            self = .success(try await body())
        } catch {
            self = .failure(error)
        }
    }
}
