import BenchmarkHarness
import BenchmarkSupport
import Foundation
import Subprocess
import SystemPackage

/// Calls made by `bench-client`, which checks every answer and measures itself and the server.
struct SwiftClient: Sendable {
    var program: FilePath
    var transport: TransportKind
    var calls: Int
    var inFlight = 1
    var bytes = 100
    var streamedMessages: Int?
    var throughChannel = false
    var direct = false

    /// Makes the calls, after a warm-up of a tenth of their number.
    ///
    /// - Throws: ``MeasurementError`` if a call fails or is answered wrongly.
    func run(on server: RunningServer) async throws -> ClientReport {
        var arguments = [
            "--transport", self.transport.rawValue, "--port", "\(server.port)",
            "--server-process", "\(server.usage.processID)", "--calls", "\(self.calls)",
            "--warm-up-calls", "\(self.calls / 10)", "--in-flight", "\(self.inFlight)", "--bytes", "\(self.bytes)",
        ]
        if let messages = self.streamedMessages {
            arguments += ["--streamed-messages", "\(messages)"]
        }
        if self.direct { arguments.append("--direct") }
        if self.throughChannel { arguments.append("--through-channel") }
        let text = try await output(of: .path(self.program), arguments)
        return try JSONDecoder().decode(ClientReport.self, from: Data(text.utf8))
    }
}

/// Instances that join a channel of `bench-client`, all of them at one server.
struct SwiftFleet: Sendable {
    var program: FilePath
    var instances: Int

    /// Lets the instances join, and waits until the channel is connected to each.
    func run(on server: RunningServer) async throws -> FleetReport {
        let arguments = [
            "--transport", TransportKind.nghttp2.rawValue, "--port", "\(server.port)",
            "--server-process", "\(server.usage.processID)", "--fleet", "\(self.instances)",
        ]
        let text = try await output(of: .path(self.program), arguments)
        return try JSONDecoder().decode(FleetReport.self, from: Data(text.utf8))
    }
}
