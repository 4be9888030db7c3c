import BenchmarkHarness
import Foundation
import Subprocess

/// Unary calls made by h2load, the load generator of nghttp2, over 8 connections with 32 calls in flight on each.
struct H2Load: Sendable {
    static let program = "h2load"
    static let connections = 8
    static let callsInFlight = 32
    static let messageBytes = 100

    /// A file with the body of a request: a message as gRPC frames it.
    let body: String

    /// Writes the body of a request into a directory.
    init(in directory: String) throws {
        self.body = directory + "/request"
        let prefix = [0] + withUnsafeBytes(of: UInt32(Self.messageBytes).bigEndian) { Array($0) }
        // A `google.protobuf.BytesValue`: the tag of its field, the length of the value, the value.
        let value = (0..<Self.messageBytes - 2).map { UInt8(truncatingIfNeeded: $0) }
        let message = [0x0A, UInt8(value.count)] + value
        try Data(prefix + message).write(to: URL(fileURLWithPath: self.body))
    }

    /// Makes calls, and checks that each was answered with its message.
    ///
    /// - Returns: How long they took altogether, in seconds.
    /// - Throws: ``MeasurementError`` if a call was answered otherwise.
    @discardableResult
    func run(calls: Int, on server: RunningServer) async throws -> Double {
        let text = try await output(
            of: .name(Self.program),
            [
                "-n", "\(calls)", "-c", "\(Self.connections)", "-m", "\(Self.callsInFlight)", "-d", self.body,
                "-H", "te: trailers", "-H", "content-type: application/grpc",
                "\(server.scheme)://127.0.0.1:\(server.port)/benchmark.Benchmark/Echo",
            ]
        )
        let expected = [
            "requests: \(calls) total, \(calls) started, \(calls) done, \(calls) succeeded, 0 failed, 0 errored, 0 timeout",
            "status codes: \(calls) 2xx, 0 3xx, 0 4xx, 0 5xx",
            // A call that fails has status 200 too, but no message.
            "(\(calls * (5 + Self.messageBytes))) data",
        ]
        guard
            expected.allSatisfy(text.contains),
            let seconds = text.firstMatch(of: #/finished in ([0-9.]+)(s|ms|us),/#),
            let number = Double(seconds.1)
        else {
            throw MeasurementError(description: "h2load was not answered with every message:\n\(text)")
        }
        switch seconds.2 {
        case "ms": return number / 1e3
        // On a fast machine a few calls take less than a millisecond.
        case "us": return number / 1e6
        default: return number
        }
    }
}
