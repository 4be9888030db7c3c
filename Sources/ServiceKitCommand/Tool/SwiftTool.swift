import Foundation
import Subprocess

/// Runs `swift` in a package, to describe and to build it.
struct SwiftTool: Sendable {
    /// The largest output of a build that is kept. The beginning of a longer output is dropped.
    private static let maximumOutput = 1 << 20

    /// The time limit of a question to `swift`, which may have to fetch dependencies first.
    private static let limit = Duration.seconds(3600)

    let directory: String
    /// The directory that SwiftPM builds in; `nil` for the package's own.
    var scratchPath: String?

    /// Describes the package. Throws ``CommandFailure`` with the output of `swift`.
    func describe() async throws -> PackageDescription {
        let outcome = try await query("package", "describe", "--type", "json")
        do {
            return try JSONDecoder().decode(PackageDescription.self, from: Data(outcome.output.utf8))
        } catch {
            throw CommandFailure(
                "cannot read swift's description of the package in \(directory): \(outcome.errors)\(error)")
        }
    }

    func productsDirectory(_ configuration: String) async throws -> String {
        let output = try await query("build", "-c", configuration, "--show-bin-path").output
        return output.split(separator: "\n").last.map(String.init) ?? ""
    }

    /// Builds a product, and returns the compiler's output when that failed. Cancelling the task stops the build.
    /// `swift` itself may show its progress on the terminal.
    func build(_ product: String, _ configuration: String, showsProgress: Bool) async throws -> String? {
        let command = try await Configuration.tool(
            "swift", ["build", "--package-path", directory, "-c", configuration, "--product", product],
            endedBy: .interrupt, within: .seconds(5))
        if showsProgress {
            let result = try await Subprocess.run(command, output: .currentStandardError, error: .currentStandardError)
            return result.terminationStatus.isSuccess ? nil : ""
        }
        let result = try await Subprocess.run(command, input: .none, output: .sequence, error: .combinedWithOutput) {
            execution in
            var bytes: [UInt8] = []
            for try await buffer in execution.standardOutput {
                buffer.withUnsafeBytes { bytes.append(contentsOf: $0) }
                if bytes.count > 2 * Self.maximumOutput { bytes.removeFirst(bytes.count - Self.maximumOutput) }
            }
            return String(decoding: bytes, as: UTF8.self)
        }
        return result.terminationStatus.isSuccess ? nil : Self.diagnostics(in: result.closureResult)
    }

    /// The output of a build without its progress.
    static func diagnostics(in output: String) -> String {
        output.split(separator: "\n", omittingEmptySubsequences: false)
            .filter { line in
                guard line.hasPrefix("["), let end = line.firstIndex(of: "]") else { return true }
                return !line[..<end].dropFirst().allSatisfy { $0.isNumber || $0 == "/" }
            }
            .joined(separator: "\n")
            .trimmingCharacters(in: .newlines)
    }

    /// Runs a command of `swift`. Throws ``CommandFailure`` when it fails.
    @discardableResult
    func query(_ command: String, _ arguments: String...) async throws -> ToolRun.Outcome {
        let scratch = scratchPath.map { ["--scratch-path", $0] } ?? []
        let all = [command, "--package-path", directory] + scratch + arguments
        let outcome = try await ToolRun(program: "swift", arguments: all, limit: Self.limit)()
        guard outcome.isSuccess else { throw CommandFailure("\(directory): \(outcome.reason)") }
        return outcome
    }
}
