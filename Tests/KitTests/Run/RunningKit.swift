import Foundation
import ServiceKit
import Subprocess

#if canImport(System)
import System
#else
import SystemPackage
#endif
import Testing

@testable import kit

/// The built `kit`, while it runs.
struct RunningKit: Sendable {
    /// How it ended.
    struct Result: Sendable {
        let exit: ProcessExit
        let output: String
        let errors: String
    }

    let pid: Int32
    private let output: Watched<String>
    private let errors: Watched<String>

    /// Runs it. It is killed when the body throws.
    ///
    /// - Parameters:
    ///   - arguments: Its arguments.
    ///   - environment: Variables beyond those of the test.
    ///   - body: What is done meanwhile.
    @discardableResult
    static func run(
        _ arguments: [String],
        environment: [String: String] = [:],
        _ body: @escaping @Sendable (RunningKit) async throws -> Void = { _ in }
    ) async throws -> Result {
        let (output, errors) = (Watched(""), Watched(""))
        let environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("KIT_") }
            .merging(environment) { $1 }
            .map { (Environment.Key(stringLiteral: $0.key), $0.value) }
        let result = try await Subprocess.run(
            .path(FilePath(executable)),
            arguments: Arguments(arguments),
            environment: .custom(Dictionary(uniqueKeysWithValues: environment)),
            input: .none,
            output: .sequence,
            error: .sequence
        ) { execution in
            let kit = RunningKit(pid: execution.processIdentifier.value, output: output, errors: errors)
            let streams = [(execution.standardOutput, output), (execution.standardError, errors)]
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (stream, text) in streams {
                    group.addTask {
                        do {
                            for try await buffer in stream {
                                let new = buffer.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
                                text.update { $0 += new }
                            }
                        } catch {
                            // Cut off when kit has ended.
                        }
                        text.finish()
                    }
                }
                group.addTask { try await body(kit) }
                try await group.waitForAll()
            }
        }
        let exit: ProcessExit =
            switch result.terminationStatus {
            case .exited(let code): .exited(code)
            case .signaled(let signal): .signaled(signal)
            }
        return Result(exit: exit, output: output.value, errors: errors.value)
    }

    /// Waits for a text on standard output.
    ///
    /// - Returns: All of the output so far.
    @discardableResult
    func waitForOutput(_ text: String) async throws -> String {
        let found = await output.first { $0.contains(text) }
        return try #require(found, "never printed \(text): \(output.value)\(errors.value)")
    }

    /// Waits for a text on standard error, until it stands there so many times.
    @discardableResult
    func waitForErrors(_ text: String, times: Int = 1) async throws -> String {
        let found = await errors.first { $0.ranges(of: text).count >= times }
        return try #require(found, "never said \(text): \(output.value)\(errors.value)")
    }

    /// The variables it was started with.
    func environment() throws -> [String: String] {
        let variables = try Data(contentsOf: URL(filePath: "/proc/\(pid)/environ")).split(separator: 0)
            .map { String(decoding: $0, as: UTF8.self).split(separator: "=", maxSplits: 1).map(String.init) }
        return Dictionary(variables.map { ($0[0], $0.count > 1 ? $0[1] : "") }) { $1 }
    }

    func signal(_ signal: Int32) {
        kill(pid, signal)
    }

    /// The test bundle lies beside it.
    private static let executable: String = {
        let bundle =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
            .map { URL(filePath: $0) } ?? Bundle.main.bundleURL
        return bundle.deletingLastPathComponent().appending(path: "kit").path(percentEncoded: false)
    }()
}
