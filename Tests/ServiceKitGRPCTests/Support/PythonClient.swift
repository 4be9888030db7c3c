import Foundation
import ServiceKit

/// A script of these tests in a Python that has gRPC for Python.
enum PythonClient {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// The interpreter; `make test` names it.
    static let interpreter = ProcessInfo.processInfo.environment["KIT_TEST_PYTHON"]

    /// Runs a script for what it prints.
    static func run(_ script: String, _ arguments: String...) async throws -> String {
        let directory = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: interpreter ?? "")
        process.arguments = [directory.appending(path: "Python/\(script)").path(percentEncoded: false)] + arguments
        process.standardOutput = output
        process.standardError = output
        let text = Watched<String?>(nil)
        try process.run()
        // A thread of its own: reading blocks.
        Thread.detachNewThread {
            let data = (try? output.fileHandleForReading.readToEnd()) ?? Data()
            process.waitUntilExit()
            text.set(String(decoding: data, as: UTF8.self))
        }
        guard let text = await text.first(where: { $0 != nil }).flatMap(\.self) else { throw CancellationError() }
        guard process.terminationStatus == 0 else { throw Failure(description: "\(script) failed:\n\(text)") }
        return text
    }
}
