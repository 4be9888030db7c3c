import Foundation
import GRPCNghttp2Transport

@testable import ServiceKitTesting

/// Certificates made with the `openssl` tool, and the directory that they are in.
struct TestCertificates: Sendable {
    let directory: String

    /// Made with `openssl`, and deleted when the body has ended.
    static func with<Result>(_ body: (TestCertificates) async throws -> Result) async throws -> Result {
        let directory = FileManager.default.temporaryDirectory.appending(path: "etcd-client-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let certificates = TestCertificates(directory: directory.path(percentEncoded: false))
        try await certificates.make()
        return try await body(certificates)
    }

    func path(_ name: String) -> String { "\(directory)/\(name)" }

    /// What etcd serves TLS with.
    func tls(_ name: String = "server", requiresClientCertificate: Bool = false) -> EtcdServer.TLS {
        EtcdServer.TLS(
            certificate: path("\(name).pem"),
            key: path("\(name).key"),
            trustedCA: path("authority.pem"),
            requiresClientCertificate: requiresClientCertificate
        )
    }

    /// Trusts what an authority has signed.
    func roots(_ authority: String = "authority") -> TLSConfig.TrustRootsSource {
        .certificates([.file(path: path("\(authority).pem"), format: .pem)])
    }

    /// A client that shows a certificate.
    func mutual(_ name: String) -> Nghttp2ClientTransport.TransportSecurity {
        .mTLS(
            certificateChain: [.file(path: path("\(name).pem"), format: .pem)],
            privateKey: .file(path: path("\(name).key"), format: .pem)
        ) { $0.trustRoots = roots() }
    }

    // MARK: - Making them

    private static let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]

    private func make() async throws {
        try await authority("authority")
        try await authority("other")
        try await identity("server", names: "DNS:localhost,IP:127.0.0.1", signedBy: "authority")
        try await identity("elsewhere", names: "DNS:elsewhere.example", signedBy: "authority")
        try await identity("client", names: "DNS:client.example", signedBy: "authority")
        try await identity("stranger", names: "DNS:client.example", signedBy: "other")
        // For tokens that etcd signs.
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
            output: output,
            errors: output,
            group: 0
        )
        guard await process.exit(within: .seconds(30)) == .code(0) else {
            process.send(SIGKILL)
            let text = String(decoding: FileManager.default.contents(atPath: output) ?? Data(), as: UTF8.self)
            throw OpenSSLError(arguments: arguments, output: text)
        }
    }
}
