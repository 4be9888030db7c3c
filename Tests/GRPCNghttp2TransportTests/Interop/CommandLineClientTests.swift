import Foundation
import GRPCCore
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// HTTP/2 clients that know nothing of gRPC, on the command line.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct CommandLineClientTests {
    private static let message: [UInt8] = Array("hello".utf8)
    private static let framedMessage: [UInt8] = [0, 0, 0, 0, 5] + message

    /// The programs' paths, if they are installed.
    private enum Program {
        static let h2load = RunningProgram.path(of: "h2load")
        static let nghttp = RunningProgram.path(of: "nghttp")
        static let curl = RunningProgram.path(of: "curl")
    }

    /// The header fields of a gRPC request.
    private static let fields = ["-H", "content-type: application/grpc", "-H", "te: trailers"]

    /// Runs a program that posts a message to an echoing server.
    ///
    /// - Parameters:
    ///   - program: The program's path.
    ///   - security: Whether the program uses TLS.
    ///   - arguments: Makes the arguments, from the URL and from a directory that holds the message as `request` and, for
    ///     TLS, the authority as `ca.pem`.
    ///   - check: Gets the program's output, and the directory.
    private static func run(
        _ program: String?,
        _ security: TestSecurity,
        arguments: (_ url: String, _ directory: TemporaryDirectory) -> [String],
        check: (_ output: String, _ directory: TemporaryDirectory) throws -> Void
    ) async throws {
        try await TemporaryDirectory.with { directory in
            try directory.write(Self.framedMessage, to: "request")
            let authority = try await security == .plaintext ? [] : TestCertificates.shared().authority
            try directory.write(authority, to: "ca.pem")
            try await self.run(program, security, directory, arguments: arguments, check: check)
        }
    }

    private static func run(
        _ program: String?,
        _ security: TestSecurity,
        _ directory: TemporaryDirectory,
        arguments: (_ url: String, _ directory: TemporaryDirectory) -> [String],
        check: (_ output: String, _ directory: TemporaryDirectory) throws -> Void
    ) async throws {
        let service = RawService(handlers: ["Echo": RawService.echo])
        let transport = Nghttp2ServerTransport(serving: service, transportSecurity: try await security.server)
        try await withGRPCServer(transport: transport, services: [service]) { _ in
            let port = try await transport.listeningAddress.port ?? 0
            let scheme = security == .plaintext ? "http" : "https"
            let url = "\(scheme)://127.0.0.1:\(port)/\(RawService.name)/Echo"
            let result = try await RunningProgram.run(try #require(program), arguments(url, directory) + Self.fields)
            #expect(result.exit == .exited(0), "\(result.output)\(result.errors)")
            try check(result.output + result.errors, directory)
        }
    }

    @Test(
        .enabled(if: Program.h2load != nil, "h2load is not installed (Debian: nghttp2-client)"),
        arguments: TestSecurity.basic
    )
    func h2loadCallsSucceed(_ security: TestSecurity) async throws {
        try await Self.run(Program.h2load, security) { url, directory in
            ["-n", "1000", "-c", "4", "-m", "20", "-d", directory.path("request"), url]
        } check: { output, _ in
            #expect(output.contains("1000 succeeded, 0 failed, 0 errored, 0 timeout"), "\(output)")
            #expect(output.contains("1000 2xx, 0 3xx, 0 4xx, 0 5xx"), "\(output)")
        }
    }

    @Test(
        .enabled(if: Program.nghttp != nil, "nghttp is not installed (Debian: nghttp2-client)"),
        arguments: TestSecurity.basic
    )
    func nghttpCallSucceeds(_ security: TestSecurity) async throws {
        try await Self.run(Program.nghttp, security) { url, directory in
            ["--null-out", "--verbose", "-d", directory.path("request"), url]
        } check: { output, _ in
            #expect(output.contains("grpc-status: 0"), "\(output)")
        }
    }

    @Test(
        .enabled(if: Program.curl != nil, "curl is not installed"),
        arguments: TestSecurity.basic
    )
    func curlCallSucceeds(_ security: TestSecurity) async throws {
        try await Self.run(Program.curl, security) { url, directory in
            [
                security == .plaintext ? "--http2-prior-knowledge" : "--http2",
                "--cacert", directory.path("ca.pem"), "--silent", "--show-error",
                "--data-binary", "@" + directory.path("request"),
                "--output", directory.path("response"), "--dump-header", "-", url,
            ]
        } check: { output, directory in
            let body = try directory.read("response")
            #expect(body == Self.framedMessage)
            #expect(output.contains("content-type: application/grpc\r\n"), "\(output)")
            #expect(output.contains("grpc-status: 0\r\n"), "\(output)")
        }
    }
}
