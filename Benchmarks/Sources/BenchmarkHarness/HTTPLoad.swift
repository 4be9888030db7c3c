package import BenchmarkSupport
import Foundation
import Subprocess

/// Requests that h2load makes, all the same.
package struct HTTPLoad: Sendable {
    /// The version of HTTP, with the number of requests under way at a time on each connection.
    package enum Version: Sendable {
        case http1
        case http2

        var arguments: [String] {
            switch self {
            // Requests of HTTP/1.1 are not sent ahead: clients do not.
            case .http1: ["--h1", "-c", "64", "-m", "1"]
            case .http2: ["-c", "8", "-m", "32"]
            }
        }
    }

    private let version: Version
    private let path: String
    private let headers: [String]
    private let body: String?

    /// - Parameters:
    ///   - version: The version of HTTP.
    ///   - path: The path.
    ///   - headers: The headers.
    ///   - body: The file with the body of a POST; `nil` for a GET.
    package init(_ version: Version, path: String, headers: [String] = [], body: String? = nil) {
        self.version = version
        self.path = path
        self.headers = headers
        self.body = body
    }

    /// The CPU time that a server takes for a request.
    ///
    /// - Parameters:
    ///   - command: Starts the server.
    ///   - requests: The number of requests.
    /// - Throws: ``MeasurementError`` if a request was not answered, or the answers are not all of one size.
    package func serverCPU(_ command: ServerCommand, requests: Int) async throws -> Sample {
        try await RunningServer.with(command) { server in
            try await cpu(of: [server.usage], on: server.port, requests: requests)
        }
    }

    /// The CPU time that processes take together for a request.
    ///
    /// - Parameters:
    ///   - processes: The processes. The time of each is shown if there are several.
    ///   - port: The port that the requests go to.
    ///   - requests: The number of requests.
    /// - Throws: ``MeasurementError`` if a request was not answered, or the answers are not all of one size.
    package func cpu(of processes: [ProcessUsage], on port: Int, requests: Int) async throws -> Sample {
        let bytes = try await run(64, on: port).bytes / 64
        try await run(requests / 5, on: port)
        let start = try processes.map { try $0.cpuSeconds }
        let (seconds, total) = try await run(requests, on: port)
        let used = try zip(processes, start).map { (try $0.cpuSeconds - $1) / Double(requests) * 1e6 }
        guard bytes > 0, total == bytes * requests else {
            throw MeasurementError(description: "the answers have \(total) bytes where \(bytes * requests) are due")
        }
        let parts = used.count > 1 ? used.map { Sample.Figure(value: $0, unit: "µs") } : []
        return Sample(
            main: .init(value: used.reduce(0, +), unit: "µs/request"),
            others: parts + [
                .init(value: Double(requests) / seconds, unit: "requests/s"),
                .init(value: Double(bytes), unit: "bytes"),
            ]
        )
    }

    /// Makes requests, and checks that each was answered.
    @discardableResult
    private func run(_ requests: Int, on port: Int) async throws -> (seconds: Double, bytes: Int) {
        var arguments = ["-n", "\(requests)"] + version.arguments
        for header in headers { arguments += ["-H", header] }
        if let body { arguments += ["-d", body] }
        let text = try await output(of: .name(H2Load.program), arguments + ["http://127.0.0.1:\(port)\(path)"])
        guard text.contains("status codes: \(requests) 2xx, 0 3xx, 0 4xx, 0 5xx"),
            let data = text.firstMatch(of: #/\(([0-9]+)\) data/#), let bytes = Int(data.1),
            let seconds = H2Load.seconds(in: text)
        else { throw MeasurementError(description: "h2load was not answered as expected:\n\(text)") }
        return (seconds, bytes)
    }
}
