import Foundation
import Testing

/// Runs the script `demo` with the programs that are built beside the tests.
enum Demo {
    /// The lines that a demonstration printed. A failed one is an issue with all that it printed.
    static func run(_ name: String) async throws -> [String] {
        let process = Process()
        let output = Pipe()
        // Warnings of a busy machine are not part of the demonstration.
        let errors = FileManager.default.temporaryDirectory.appending(path: "demo-\(UUID().uuidString).log")
        try Data().write(to: errors)
        defer { try? FileManager.default.removeItem(at: errors) }
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../demo").standardized
        process.executableURL = script
        process.arguments = [name]
        var environment = ProcessInfo.processInfo.environment
        environment["KIT_EXAMPLES_BIN"] = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().path()
        process.environment = environment
        process.standardOutput = output
        process.standardError = try FileHandle(forWritingTo: errors)
        // Reading blocks a thread, so it gets one of its own.
        let text = try await withCheckedThrowingContinuation { continuation in
            Thread {
                continuation.resume(
                    with: Result {
                        try process.run()
                        let data = try output.fileHandleForReading.readToEnd() ?? Data()
                        process.waitUntilExit()
                        return String(decoding: data, as: UTF8.self)
                    })
            }.start()
        }
        let warnings = try String(contentsOf: errors, encoding: .utf8)
        #expect(process.terminationStatus == 0, "\(text)\(warnings)")
        return text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    }

    /// Whether a program is on the `PATH`.
    static func hasProgram(_ name: String) -> Bool {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        return path.split(separator: ":").contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }
    }
}
