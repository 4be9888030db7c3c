package import BenchmarkSupport
import Subprocess
package import SystemPackage

/// The command that starts a server.
package struct ServerCommand: Sendable {
    package var program: FilePath
    package var arguments: [String]
    package var environment: [String: String]
    package var scheme = "http"

    /// Creates a command.
    package init(program: FilePath, arguments: [String] = [], environment: [String: String] = [:]) {
        self.program = program
        self.arguments = arguments
        self.environment = environment
    }
}

/// A server that runs in a process of its own, on a port that the system chose.
package struct RunningServer: Sendable {
    package var port: Int
    package var scheme: String
    package var usage: ProcessUsage

    /// Runs a server for as long as `body` takes.
    ///
    /// - Throws: ``MeasurementError`` if the server does not start; any error of `body`.
    package static func with<Result: Sendable>(
        _ command: ServerCommand,
        _ body: @escaping @Sendable (RunningServer) async throws -> Result
    ) async throws -> Result {
        let name = command.program.lastComponent?.string ?? command.program.string
        let environment = Dictionary(
            uniqueKeysWithValues: command.environment.map { (Environment.Key(stringLiteral: $0), String?.some($1)) }
        )
        var result: Result?
        // The server's standard input is open for as long as this process lives: if this process dies, the server ends
        // too.
        _ = try await Subprocess.run(
            .path(command.program),
            arguments: Arguments(command.arguments),
            environment: .inherit.updating(environment),
            input: .inputWriter,
            output: .sequence,
            error: .currentStandardError
        ) { execution in
            var lines = execution.standardOutput.strings().makeAsyncIterator()
            guard let line = try await lines.next(), let port = Int(line.prefix { $0.isNumber }) else {
                throw MeasurementError(description: "\(name) \(command.arguments) printed no port")
            }
            let usage = ProcessUsage(processID: execution.processIdentifier.value)
            result = try await body(RunningServer(port: port, scheme: command.scheme, usage: usage))
            // The measurement is over, and the shutdown is not measured.
            try execution.send(signal: .kill)
        }
        guard let result else { throw MeasurementError(description: "\(name) was not measured") }
        return result
    }
    /// Runs several servers for as long as `body` takes.
    ///
    /// - Throws: ``MeasurementError`` if a server does not start; any error of `body`.
    package static func with<Result: Sendable>(
        _ commands: [ServerCommand],
        _ body: @escaping @Sendable ([RunningServer]) async throws -> Result
    ) async throws -> Result {
        guard let last = commands.last else { return try await body([]) }
        return try await self.with(last) { server in
            try await self.with(commands.dropLast()) { try await body($0 + [server]) }
        }
    }
}
