import BenchmarkSupport
import Foundation
import Subprocess

/// Unary calls made by h2load, the load generator of nghttp2, over 8 connections with 32 calls in flight on each.
package struct H2Load: Sendable {
    /// The answers that a server is to give.
    package enum Answers: Sendable {
        /// Each call's message.
        case messages
        /// A status without a message, as to a call that is refused.
        case refusals
    }

    package static let program = "h2load"
    private static let connections = 8
    private static let callsInFlight = 32

    /// A file with the body of a request: a message as gRPC frames it.
    private let body: String
    private let messageBytes: Int

    /// Writes the body of a request into a directory.
    ///
    /// - Parameters:
    ///   - directory: The directory.
    ///   - messageBytes: The size of the message, from 3 to 16,386 bytes.
    package init(in directory: String, messageBytes: Int = 100) throws {
        self.body = directory + "/request-\(messageBytes)"
        self.messageBytes = messageBytes
        let prefix = [0] + withUnsafeBytes(of: UInt32(messageBytes).bigEndian) { Array($0) }
        // A `google.protobuf.BytesValue`: the tag of its field, the length of the value, the value.
        let isShort = messageBytes - 2 < 128
        let value = (0..<messageBytes - (isShort ? 2 : 3)).map { UInt8(truncatingIfNeeded: $0) }
        let length = isShort ? [UInt8(value.count)] : [UInt8(value.count & 127 | 128), UInt8(value.count >> 7)]
        let message = [0x0A] + length + value
        try Data(prefix + message).write(to: URL(fileURLWithPath: self.body))
    }

    /// The CPU time that a server takes for a unary call.
    ///
    /// - Throws: ``MeasurementError`` if a call was answered otherwise than it is to be.
    package func serverCPU(
        _ command: ServerCommand,
        calls: Int,
        answers: Answers = .messages
    ) async throws -> Sample {
        try await RunningServer.with(command) { server in
            // Not checked: a server that refuses calls may have to see some before.
            try await self.run(calls: calls / 5, on: server, nil)
            let start = try server.usage.cpuSeconds
            // One call on each connection measures connecting, which is no part of a call.
            try await self.run(calls: Self.connections, on: server, answers)
            let connected = try server.usage.cpuSeconds
            let seconds = try await self.run(calls: calls, on: server, answers)
            let connecting = connected - start
            let cpu = try server.usage.cpuSeconds - connected - connecting
            return Sample(
                main: .init(value: cpu / Double(calls - Self.connections) * 1e6, unit: "µs/call"),
                others: [
                    .init(value: Double(calls) / seconds, unit: "calls/s"),
                    .init(value: connecting / Double(Self.connections) * 1e3, unit: "ms/connection"),
                ]
            )
        }
    }

    /// Makes calls, and checks that each was answered as it is to be.
    ///
    /// - Returns: How long they took altogether, in seconds.
    @discardableResult
    private func run(calls: Int, on server: RunningServer, _ answers: Answers?) async throws -> Double {
        let text = try await output(
            of: .name(Self.program),
            [
                "-n", "\(calls)", "-c", "\(Self.connections)", "-m", "\(Self.callsInFlight)", "-d", self.body,
                "-H", "te: trailers", "-H", "content-type: application/grpc",
                "\(server.scheme)://127.0.0.1:\(server.port)/benchmark.Benchmark/Echo",
            ]
        )
        var expected = [
            "requests: \(calls) total, \(calls) started, \(calls) done, \(calls) succeeded, 0 failed, 0 errored, 0 timeout",
            "status codes: \(calls) 2xx, 0 3xx, 0 4xx, 0 5xx",
        ]
        if let answers {
            // A call that fails has status 200 too, but no message.
            let bytes = answers == .messages ? calls * (5 + messageBytes) : 0
            expected.append("(\(bytes)) data")
        }
        guard expected.allSatisfy(text.contains), let seconds = Self.seconds(in: text) else {
            throw MeasurementError(description: "h2load was not answered as expected:\n\(text)")
        }
        return seconds
    }

    /// How long a run took, as h2load prints it.
    static func seconds(in text: String) -> Double? {
        guard let found = text.firstMatch(of: #/finished in ([0-9.]+)(s|ms|us),/#), let number = Double(found.1) else {
            return nil
        }
        switch found.2 {
        case "ms": return number / 1e3
        // On a fast machine a few calls take less than a millisecond.
        case "us": return number / 1e6
        default: return number
        }
    }
}
