package import Testing

/// The code that the calls of a test go through, in its clients and its servers.
package enum CallPath: CaseIterable, Sendable {
    /// GRPCCore's executors, as the code goes that grpc-swift generates.
    case grpcCore
    /// The kit's own functions, as the code goes that `kit proto generate` writes.
    case direct

    @TaskLocal package static var current = CallPath.grpcCore
}

/// Runs each test of a suite once for each path: calls behave alike on both.
package struct BothPathsTrait: SuiteTrait, TestTrait, TestScoping {
    package let isRecursive = true

    package func provideScope(
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
    package static var bothPaths: BothPathsTrait { BothPathsTrait() }
}
