import Foundation

@testable import GRPCNghttp2Transport

/// gRPC for Python in a process of its own; `peer.py` is what runs there.
enum PythonPeer {
    /// The interpreter that has gRPC; `make test` names it.
    static let interpreter = ProcessInfo.processInfo.environment["KIT_TEST_PYTHON"]

    static var isAvailable: Bool { Self.interpreter != nil }

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    private static func process(_ arguments: [String]) throws -> Process {
        guard let interpreter = Self.interpreter else { throw Failure(description: "KIT_TEST_PYTHON is not set") }
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("peer.py")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: interpreter)
        process.arguments = [script.path] + arguments
        return process
    }

    /// Runs a check of `peer.py` against a server.
    static func check(_ name: String, of address: TransportAddress) async throws {
        let process = try Self.process(["client", "\(address.port ?? 0)", name])
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        let (ends, ended) = AsyncStream.makeStream(of: Void.self)
        process.terminationHandler = { _ in ended.finish() }
        try process.run()
        for await _ in ends {}
        if process.isRunning {
            // The test was cancelled.
            process.terminate()
            process.waitUntilExit()
        }
        guard process.terminationStatus == 0 else {
            let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            throw Failure(description: "\(name) failed in Python:\n\(text)")
        }
    }

    /// Runs a server.
    static func withServer<Result: Sendable>(
        _ body: (TransportAddress) async throws -> Result
    ) async throws -> Result {
        let process = try Self.process(["server"])
        let input = Pipe()
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        let (lines, line) = AsyncStream.makeStream(of: String.self)
        output.fileHandleForReading.readabilityHandler = { handle in
            let data = handle.availableData
            if data.isEmpty {
                line.finish()
            } else {
                line.yield(String(decoding: data, as: UTF8.self))
            }
        }
        let (ends, ended) = AsyncStream.makeStream(of: Void.self)
        process.terminationHandler = { _ in ended.finish() }
        try process.run()
        let outcome: Swift.Result<Result, any Error>
        do {
            var text = ""
            for await part in lines {
                text += part
                if text.contains("\n") { break }
            }
            guard let port = Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
                throw Failure(description: "the server in Python did not tell its port: \(text)")
            }
            outcome = .success(try await body(.ipv4(host: "127.0.0.1", port: port)))
        } catch {
            outcome = .failure(error)
        }
        output.fileHandleForReading.readabilityHandler = nil
        // The end of its input ends the server.
        try input.fileHandleForWriting.close()
        for await _ in ends {}
        return try outcome.get()
    }
}
