import Foundation
import ServiceKitTestSupport

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// A script of these tests, for a Python that has gRPC for Python, and HTTP/2 frames.
struct PythonPeer {
    /// The interpreter; `make test` names it.
    static let interpreter = ProcessInfo.processInfo.environment["KIT_TEST_PYTHON"]

    static var isAvailable: Bool { Self.interpreter != nil }

    /// gRPC for Python, with methods that take and return bytes.
    static let raw = PythonPeer("Interop/Python/peer.py")
    /// gRPC's interoperability tests.
    static let interop = PythonPeer("Interop/Python/interop.py")
    /// A client that does not keep to HTTP/2, or to gRPC.
    static let hostile = PythonPeer("RawFrames/Python/hostile.py")

    private let script: String

    private init(_ script: String) {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        self.script = tests.appending(path: script).path(percentEncoded: false)
    }

    private struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private func start(_ arguments: [String]) throws -> RunningProgram {
        guard let interpreter = Self.interpreter else { throw Failure(description: "KIT_TEST_PYTHON is not set") }
        return try RunningProgram(interpreter, [script] + arguments, hasInput: true)
    }

    /// Runs the script and returns the lines that it prints.
    func lines(_ arguments: [String]) async throws -> [String] {
        let result = try await start(arguments).result()
        guard result.exit == .exited(0) else {
            throw Failure(description: "\(arguments) failed in Python:\n\(result.output)\(result.errors)")
        }
        return result.output.split(separator: "\n").map(String.init)
    }

    /// Runs a check against a server; the script's exit code tells the outcome.
    func check(
        _ name: String,
        of address: TransportAddress,
        _ options: [String] = [],
        security: TestSecurity = .plaintext
    ) async throws {
        let result = try await security.withScriptOptions { security in
            try await start(["client", "\(address.port ?? 0)", name] + options + security).result()
        }
        guard result.exit == .exited(0) else {
            throw Failure(description: "\(name) failed in Python:\n\(result.output)\(result.errors)")
        }
    }

    /// Runs a server; the script prints its port, and ends with its input.
    func withServer<Result: Sendable>(
        security: TestSecurity = .plaintext,
        _ body: (TransportAddress) async throws -> Result
    ) async throws -> Result {
        try await security.withScriptOptions { options in
            try await self.withServer(options, body)
        }
    }

    private func withServer<Result: Sendable>(
        _ options: [String],
        _ body: (TransportAddress) async throws -> Result
    ) async throws -> Result {
        let process = try start(["server"] + options)
        let outcome: Swift.Result<Result, any Error>
        do {
            let output = try await process.waitForOutput("\n")
            guard let port = Int(output.prefix { $0 != "\n" }) else {
                throw Failure(description: "the server in Python did not tell its port: \(output)")
            }
            outcome = .success(try await body(.ipv4(host: "127.0.0.1", port: port)))
        } catch {
            outcome = .failure(error)
        }
        process.closeInput()
        _ = try? await process.waitForExit()
        return try outcome.get()
    }
}
