import Testing

@testable import EtcdClient

/// The code of the ``EtcdError`` that a body throws.
func code(sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void) async -> EtcdError.Code? {
    await failure(sourceLocation: sourceLocation, body)?.code
}

/// The ``EtcdError`` that a body throws.
func failure(sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void) async -> EtcdError? {
    do {
        try await body()
        Issue.record("nothing was thrown", sourceLocation: sourceLocation)
    } catch let error as EtcdError {
        return error
    } catch {
        Issue.record("this is no EtcdError: \(error)", sourceLocation: sourceLocation)
    }
    return nil
}
