import Testing

@testable import EtcdClient

// Functions, not macros: Swift 6.3 sometimes confuses two closures of one type within another closure if one of them is
// in the argument of a macro.

/// Expects a body to throw an ``EtcdError``.
///
/// - Parameter code: The expected code. Default: any.
/// - Returns: The error.
@discardableResult
func expectFailure(
    _ code: EtcdError.Code? = nil,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws -> Void
) async -> EtcdError? {
    let error = await expectThrown(EtcdError.self, sourceLocation: sourceLocation, body)
    if let code, let error {
        #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
    }
    return error
}

/// Expects a body to throw an error of a type.
///
/// - Returns: The error.
@discardableResult
func expectThrown<Failure: Error>(
    _ type: Failure.Type,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws -> Void
) async -> Failure? {
    do {
        try await body()
        Issue.record("nothing was thrown", sourceLocation: sourceLocation)
    } catch let error as Failure {
        return error
    } catch {
        Issue.record("this is no \(type): \(error)", sourceLocation: sourceLocation)
    }
    return nil
}
