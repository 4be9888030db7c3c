import Foundation
package import ServiceKitTesting
import Testing

/// A program that a test has started. It is killed when the test drops it, and when the tests' process ends, however it ends.
package final class RunningProgram: Sendable {
    /// How a program ended.
    package enum Exit: Hashable, Sendable {
        case exited(_ code: Int32)
        case signaled(_ signal: Int32)
    }

    /// The end and the output of a program.
    package struct Result: Sendable {
        package let exit: Exit
        package let output: String
        package let errors: String
    }

    /// The group of all programs of this process.
    private static let group = Swift.Result { try ProcessGroup(named: "kit-tests") }

    private let process: ChildProcess
    private let input: FileHandle?
    // `nil` where the output goes elsewhere.
    private let standardOutput: ProcessOutput?
    private let standardError: ProcessOutput?

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - path: The program.
    ///   - arguments: Its arguments.
    ///   - environment: Variables beyond those of the test. The test's own `KIT_` variables are not passed on.
    ///   - hasInput: Whether the program has an input until ``closeInput()``. Otherwise its input is empty.
    ///   - output: The target of its standard output, instead of ``output``.
    ///   - errors: The target of its standard error, instead of ``errors``.
    ///   - group: The group that it is in, instead of that of all programs of this process.
    package init(
        _ path: String,
        _ arguments: [String],
        environment: [String: String] = [:],
        hasInput: Bool = false,
        output: ChildProcess.Stream? = nil,
        errors: ChildProcess.Stream? = nil,
        group: ProcessGroup? = nil
    ) throws {
        standardOutput = output == nil ? try ProcessOutput() : nil
        standardError = errors == nil ? try ProcessOutput() : nil
        let input = hasInput ? try socketPair() : nil
        process = try ChildProcess(
            [path] + arguments,
            environment: ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("KIT_") }
                .merging(environment) { $1 },
            input: input.map { .descriptor($0.1.fileDescriptor) } ?? .file("/dev/null"),
            output: output ?? standardOutput?.stream ?? .file("/dev/null"),
            errors: errors ?? standardError?.stream ?? .file("/dev/null"),
            group: (group ?? Self.group.get()).id
        )
        try standardOutput?.writer.close()
        try standardError?.writer.close()
        try input?.1.close()
        self.input = input?.0
    }

    deinit {
        process.send(SIGKILL)
    }

    /// The number of its process.
    package var processID: Int32 { process.id }

    /// Runs a program to its end.
    ///
    /// - Parameter body: Runs meanwhile. If it throws, the program is killed.
    package static func run(
        _ path: String,
        _ arguments: [String],
        environment: [String: String] = [:],
        _ body: (RunningProgram) async throws -> Void = { _ in }
    ) async throws -> Result {
        let program = try RunningProgram(path, arguments, environment: environment)
        try await body(program)
        return try await program.result()
    }

    /// The path of a program on the `PATH`; `nil` if it is not there.
    package static func path(of program: String) -> String? {
        let directories = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
        return directories.map { "\($0)/\(program)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// The path of a program of this package, from the same build as the tests: it lies beside their bundle.
    package static func path(ofProduct name: String) -> String {
        let bundle =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")).map { URL(filePath: $0) }
            ?? Bundle.main.bundleURL
        return bundle.deletingLastPathComponent().appending(path: name).path(percentEncoded: false)
    }

    /// Sends a signal.
    package func signal(_ signal: Int32) {
        process.send(signal)
    }

    /// Ends its input. Most programs with an input end then.
    package func closeInput() {
        try? input?.close()
    }

    /// The variables that it was started with, as the system reports them.
    package func environment() throws -> [String: String] {
        let variables = try Data(contentsOf: URL(filePath: "/proc/\(process.id)/environ")).split(separator: 0)
            .map { String(decoding: $0, as: UTF8.self).split(separator: "=", maxSplits: 1).map(String.init) }
        return Dictionary(variables.map { ($0[0], $0.count > 1 ? $0[1] : "") }) { $1 }
    }

    // MARK: - Output

    /// The standard output so far.
    package var output: String { standardOutput?.text ?? "" }

    /// The standard error so far.
    package var errors: String { standardError?.text ?? "" }

    /// Waits until the standard output contains a text.
    ///
    /// - Returns: The whole output so far.
    @discardableResult
    package func waitForOutput(_ text: String) async throws -> String {
        try #require(await standardOutput?.waitFor(text) == true, "never printed \(text): \(output)\(errors)")
        return output
    }

    /// Waits until the standard error contains a text this many times.
    ///
    /// - Returns: The whole standard error so far.
    @discardableResult
    package func waitForErrors(_ text: String, times: Int = 1) async throws -> String {
        try #require(await standardError?.waitFor(text, times: times) == true, "never said \(text): \(output)\(errors)")
        return errors
    }

    // MARK: - Its end

    /// Waits for the end of the program and of its output; the test's time limit bounds the wait.
    package func waitForExit() async throws -> Exit {
        guard let exit = await process.untilExit() else {
            process.send(SIGKILL)
            Issue.record("it had not ended when the test was; so far it wrote: \(output)\(errors)")
            throw CancellationError()
        }
        await standardOutput?.waitForEnd()
        await standardError?.waitForEnd()
        return switch exit {
        case .exited(let code): .exited(code)
        case .signaled(let signal): .signaled(signal)
        }
    }

    /// Waits for the end.
    package func result() async throws -> Result {
        Result(exit: try await waitForExit(), output: output, errors: errors)
    }
}
