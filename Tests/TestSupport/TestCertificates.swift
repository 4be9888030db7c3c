import Foundation
import ServiceKitTesting

/// Certificates in a directory, made with the `openssl` tool.
///
/// `authority.pem` has signed `server.pem` (for localhost and 127.0.0.1), `elsewhere.pem` (for another host), `client.pem`
/// and `workload.pem` (with a SPIFFE ID). `other.pem` has signed `stranger.pem`. The key of `server.pem` is `server.key`, and so on. `token.key`
/// and `token.pub` sign tokens.
package struct TestCertificates: Sendable {
    package let directory: String

    /// Makes the certificates, and deletes them when the body ends.
    package static func with<Result>(_ body: (TestCertificates) async throws -> Result) async throws -> Result {
        let directory = FileManager.default.temporaryDirectory.appending(path: "certificates-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let certificates = TestCertificates(directory: directory.path(percentEncoded: false))
        try await certificates.make()
        return try await body(certificates)
    }

    /// The path of a file with a given name.
    package func path(_ name: String) -> String { "\(directory)/\(name)" }

    /// The bytes of a certificate.
    package func der(_ name: String) throws -> [UInt8] {
        let text = try String(contentsOfFile: path(name), encoding: .utf8)
        let lines = text.split(separator: "\n").filter { !$0.hasPrefix("-----") }
        return Array(Data(base64Encoded: lines.joined()) ?? Data())
    }

    // MARK: - Making them

    private static let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]

    private func make() async throws {
        try await authority("authority")
        try await authority("other")
        try await identity("server", names: "DNS:localhost,IP:127.0.0.1", signedBy: "authority")
        try await identity("elsewhere", names: "DNS:elsewhere.example", signedBy: "authority")
        try await identity("client", names: "DNS:client.example", signedBy: "authority")
        let workload = "URI:spiffe://example.org/billing,DNS:billing.example"
        try await identity("workload", names: workload, signedBy: "authority")
        try await identity("stranger", names: "DNS:client.example", signedBy: "other")
        // For the tokens that etcd signs.
        try await openssl("genrsa", "-out", "token.key", "2048")
        try await openssl("rsa", "-in", "token.key", "-pubout", "-out", "token.pub")
    }

    private func authority(_ name: String) async throws {
        try await openssl(
            ["req", "-x509", "-days", "2", "-subj", "/CN=\(name)"] + Self.key
                + ["-keyout", "\(name).key", "-out", "\(name).pem"]
        )
    }

    private func identity(_ name: String, names: String, signedBy authority: String) async throws {
        try await openssl(
            ["req", "-subj", "/CN=\(name)"] + Self.key + ["-keyout", "\(name).key", "-out", "\(name).csr"]
        )
        try Data("subjectAltName=\(names)\n".utf8).write(to: URL(filePath: path("\(name).ext")))
        try await openssl(
            "x509", "-req", "-days", "2", "-in", "\(name).csr", "-CA", "\(authority).pem", "-CAkey",
            "\(authority).key", "-CAcreateserial", "-extfile", "\(name).ext", "-out", "\(name).pem"
        )
    }

    private struct OpenSSLError: Error {
        let arguments: [String]
        let output: String
    }

    private func openssl(_ arguments: String...) async throws { try await openssl(arguments) }

    private func openssl(_ arguments: [String]) async throws {
        let output = path("openssl.log")
        let process = try ChildProcess(
            ["/usr/bin/env", "-C", directory, "openssl"] + arguments,
            environment: ProcessInfo.processInfo.environment,
            output: .file(output),
            errors: .file(output),
            group: 0
        )
        guard await process.exit(within: .seconds(30)) == .exited(0) else {
            process.send(SIGKILL)
            let text = String(decoding: FileManager.default.contents(atPath: output) ?? Data(), as: UTF8.self)
            throw OpenSSLError(arguments: arguments, output: text)
        }
    }
}
