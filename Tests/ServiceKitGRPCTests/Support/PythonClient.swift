import Foundation
import ServiceKitTestSupport
import Testing

/// A script of these tests, for a Python that has gRPC for Python.
enum PythonClient {
    /// The interpreter; `make test` names it.
    static let interpreter = ProcessInfo.processInfo.environment["KIT_TEST_PYTHON"]

    /// Runs a script and returns its output.
    static func run(_ script: String, _ arguments: String...) async throws -> String {
        let directory = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let path = directory.appending(path: "Python/\(script)").path(percentEncoded: false)
        let result = try await RunningProgram.run(try #require(interpreter), [path] + arguments)
        try #require(result.exit == .exited(0), "\(script) failed:\n\(result.output)\(result.errors)")
        return result.output
    }
}
