import Testing

/// The code that the calls of a test go through, in its clients and its servers.
enum CallPath: CaseIterable {
    /// GRPCCore's executors, as the code goes that grpc-swift generates.
    case grpcCore
    /// The kit's own functions, as the code goes that `kit proto generate` writes.
    case direct

    @TaskLocal static var current = CallPath.grpcCore
}

/// Runs each test of a suite once for each path: calls behave alike on both.
struct BothPathsTrait: SuiteTrait, TestTrait, TestScoping {
    let isRecursive = true

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable @concurrent () async throws -> Void
    ) async throws {
        for path in CallPath.allCases {
            try await CallPath.$current.withValue(path) { try await function() }
        }
    }
}

extension Trait where Self == BothPathsTrait {
    /// Runs each test once for each path of its calls.
    static var bothPaths: BothPathsTrait { BothPathsTrait() }
}
