import Foundation
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// Certificates made with the `openssl` tool when the first test asks for them.
struct TestCertificates: Sendable {
    /// A certificate and its key.
    struct Identity: Sendable {
        var certificate: [UInt8]
        var key: [UInt8]
        /// The same in DER.
        var certificateDER: [UInt8]
        var keyDER: [UInt8]

        var chain: [TLSConfig.CertificateSource] { [.bytes(certificate, format: .pem)] }
        var privateKey: TLSConfig.PrivateKeySource { .bytes(key, format: .pem) }
    }

    /// Signs all but `stranger`.
    var authority: [UInt8]
    var authorityDER: [UInt8]
    /// Signs `stranger`.
    var otherAuthority: [UInt8]
    /// A server's, for `localhost`, `test.example`, 127.0.0.1 and ::1.
    var server: Identity
    /// The successor of that certificate.
    var renewed: Identity
    /// A server's, for `elsewhere.example` only.
    var elsewhere: Identity
    var client: Identity
    /// A client's and a server's that nobody trusts.
    var stranger: Identity

    var roots: TLSConfig.TrustRootsSource { .certificates([.bytes(authority, format: .pem)]) }
    var otherRoots: TLSConfig.TrustRootsSource { .certificates([.bytes(otherAuthority, format: .pem)]) }

    /// A task, so that waiting for it blocks no thread: all tests together have only as many threads as the machine has
    /// cores.
    private static let made = Task { try await TestCertificates.make() }

    /// The same for all tests.
    static func shared() async throws -> TestCertificates {
        try await made.value
    }

    // MARK: Creation

    private static let names = "DNS:localhost,DNS:test.example,IP:127.0.0.1,IP:::1"

    private static func make() async throws -> TestCertificates {
        try await TemporaryDirectory.with { directory in
            let maker = Maker(directory: directory)
            try await maker.authority("authority")
            try await maker.authority("other")
            return TestCertificates(
                authority: try maker.read("authority.pem"),
                authorityDER: try await maker.der("authority.pem"),
                otherAuthority: try maker.read("other.pem"),
                server: try await maker.identity("server", names: Self.names),
                renewed: try await maker.identity("renewed", names: Self.names),
                elsewhere: try await maker.identity("elsewhere", names: "DNS:elsewhere.example"),
                client: try await maker.identity("client", names: "DNS:client.example"),
                stranger: try await maker.identity("stranger", names: Self.names, signedBy: "other")
            )
        }
    }

    private struct Maker {
        let directory: TemporaryDirectory
        private static let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]

        func authority(_ name: String) async throws {
            let request = ["req", "-x509", "-days", "2", "-subj", "/CN=\(name)"] + Self.key
            try await run(request + ["-keyout", path("\(name).key"), "-out", path("\(name).pem")])
        }

        func identity(
            _ name: String, names: String, signedBy authority: String = "authority"
        ) async throws -> Identity {
            let request = ["req", "-subj", "/CN=\(name)"] + Self.key
            try await run(request + ["-keyout", path("\(name).key"), "-out", path("\(name).csr")])
            try directory.write("subjectAltName=\(names)\n", to: "\(name).ext")
            try await run([
                "x509", "-req", "-days", "2", "-in", path("\(name).csr"), "-CA", path("\(authority).pem"),
                "-CAkey", path("\(authority).key"), "-CAcreateserial", "-extfile", path("\(name).ext"),
                "-out", path("\(name).pem"),
            ])
            try await run([
                "pkey", "-in", path("\(name).key"), "-outform", "der", "-out", path("\(name).key.der"),
            ])
            return Identity(
                certificate: try read("\(name).pem"),
                key: try read("\(name).key"),
                certificateDER: try await der("\(name).pem"),
                keyDER: try read("\(name).key.der")
            )
        }

        func der(_ certificate: String) async throws -> [UInt8] {
            try await run([
                "x509", "-in", path(certificate), "-outform", "der", "-out", path("\(certificate).der"),
            ])
            return try read("\(certificate).der")
        }

        func read(_ file: String) throws -> [UInt8] {
            try directory.read(file)
        }

        private func path(_ file: String) -> String {
            directory.path(file)
        }

        private func run(_ arguments: [String]) async throws {
            let openssl = try #require(TestSecurity.openssl, "openssl is not installed")
            let result = try await RunningProgram.run(openssl, arguments)
            try #require(result.exit == .exited(0), "openssl \(arguments): \(result.output)\(result.errors)")
        }
    }
}
