import Foundation
import Testing

/// A run of this package's own `kit`.
final class Kit: Sendable {
    private let process = Process()
    private let output = Pipe()
    private let ends: AsyncStream<Void>

    init(_ arguments: [String]) throws {
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        self.ends = ends
        // It is built beside the tests.
        process.executableURL = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(
            path: "kit")
        process.arguments = arguments
        process.standardOutput = output
        process.standardError = output
        process.terminationHandler = { _ in end.finish() }
        try process.run()
    }

    /// Ends it as a crash does.
    func kill() async {
        _ = Foundation.kill(process.processIdentifier, SIGKILL)
        for await _ in ends {}
    }

    /// Runs it to its end.
    ///
    /// - Returns: What it printed, and its exit code.
    static func run(_ arguments: [String]) async throws -> (output: String, code: Int32) {
        let kit = try Kit(arguments)
        for await _ in kit.ends {}
        let output = try kit.output.fileHandleForReading.readToEnd() ?? Data()
        return (String(decoding: output, as: UTF8.self), kit.process.terminationStatus)
    }
}
