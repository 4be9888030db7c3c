import BenchmarkHarness
import BenchmarkSupport
import Foundation
import Subprocess
import SystemPackage

/// The command that starts a client: `bench-client`, or a program that takes its options and prints its report.
struct ClientCommand: Sendable {
    var program: FilePath
    var arguments: [String]

    /// Runs the client to its end on servers that it measures as well.
    ///
    /// - Parameters:
    ///   - arguments: The further arguments of this run.
    ///   - servers: The servers.
    /// - Returns: The report that the client prints.
    /// - Throws: ``MeasurementError`` if a call fails or is answered wrongly.
    func run<Report: Decodable>(_ arguments: [String], on servers: [RunningServer]) async throws -> Report {
        let addresses = servers.flatMap { ["--port", "\($0.port)", "--server-process", "\($0.usage.processID)"] }
        let text = try await output(of: .path(self.program), self.arguments + addresses + arguments)
        return try JSONDecoder().decode(Report.self, from: Data(text.utf8))
    }
}

/// The calls that a client makes, after a warm-up of a tenth of their number.
struct ClientLoad: Sendable {
    var calls: Int
    var inFlight = 1
    var bytes = 100
    var streamedMessages: Int?

    /// The options of `bench-client`.
    var arguments: [String] {
        [
            "--calls", "\(self.calls)", "--warm-up-calls", "\(self.calls / 10)", "--in-flight", "\(self.inFlight)",
            "--bytes", "\(self.bytes)",
        ] + (self.streamedMessages.map { ["--streamed-messages", "\($0)"] } ?? [])
    }
}
