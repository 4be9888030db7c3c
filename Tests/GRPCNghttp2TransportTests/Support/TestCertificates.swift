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

        var chain: [TLSConfig.CertificateSource] { [.bytes(self.certificate, format: .pem)] }
        var privateKey: TLSConfig.PrivateKeySource { .bytes(self.key, format: .pem) }
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

    var roots: TLSConfig.TrustRootsSource { .certificates([.bytes(self.authority, format: .pem)]) }
    var otherRoots: TLSConfig.TrustRootsSource { .certificates([.bytes(self.otherAuthority, format: .pem)]) }

    /// A task, so that waiting for it blocks no thread: all tests together have only as many threads as the machine has
    /// cores.
    private static let made = Task { try await TestCertificates.make() }

    /// The same for all tests.
    static func shared() async throws -> TestCertificates {
        try await self.made.value
    }

    // MARK: Creation

    private static let names = "DNS:localhost,DNS:test.example,IP:127.0.0.1,IP:::1"

    private static func make() async throws -> TestCertificates {
        try await withTemporaryDirectory { directory in
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
        let directory: URL
        private static let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]

        func authority(_ name: String) async throws {
            let request = ["req", "-x509", "-days", "2", "-subj", "/CN=\(name)"] + Self.key
            try await self.run(request + ["-keyout", self.path("\(name).key"), "-out", self.path("\(name).pem")])
        }

        func identity(
            _ name: String, names: String, signedBy authority: String = "authority"
        ) async throws -> Identity {
            let request = ["req", "-subj", "/CN=\(name)"] + Self.key
            try await self.run(request + ["-keyout", self.path("\(name).key"), "-out", self.path("\(name).csr")])
            try Data("subjectAltName=\(names)\n".utf8).write(to: self.directory.appendingPathComponent("\(name).ext"))
            try await self.run([
                "x509", "-req", "-days", "2", "-in", self.path("\(name).csr"), "-CA", self.path("\(authority).pem"),
                "-CAkey", self.path("\(authority).key"), "-CAcreateserial", "-extfile", self.path("\(name).ext"),
                "-out", self.path("\(name).pem"),
            ])
            try await self.run([
                "pkey", "-in", self.path("\(name).key"), "-outform", "der", "-out", self.path("\(name).key.der"),
            ])
            return Identity(
                certificate: try self.read("\(name).pem"),
                key: try self.read("\(name).key"),
                certificateDER: try await self.der("\(name).pem"),
                keyDER: try self.read("\(name).key.der")
            )
        }

        func der(_ certificate: String) async throws -> [UInt8] {
            try await self.run([
                "x509", "-in", self.path(certificate), "-outform", "der", "-out", self.path("\(certificate).der"),
            ])
            return try self.read("\(certificate).der")
        }

        func read(_ file: String) throws -> [UInt8] {
            Array(try Data(contentsOf: self.directory.appendingPathComponent(file)))
        }

        private func path(_ file: String) -> String {
            self.directory.appendingPathComponent(file).path
        }

        private func run(_ arguments: [String]) async throws {
            let openssl = try #require(TestSecurity.openssl, "openssl is not installed")
            let result = try await RunningProgram.run(openssl, arguments)
            try #require(result.exit == .exited(0), "openssl \(arguments): \(result.output)\(result.errors)")
        }
    }
}

/// A directory for the time that `body` takes.
func withTemporaryDirectory<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let directory = try makeTemporaryDirectory()
    defer { try? FileManager.default.removeItem(at: directory) }
    return try body(directory)
}

/// A directory for the time that `body` takes.
func withTemporaryDirectory<Result>(_ body: (URL) async throws -> Result) async throws -> Result {
    let directory = try makeTemporaryDirectory()
    defer { try? FileManager.default.removeItem(at: directory) }
    return try await body(directory)
}

private func makeTemporaryDirectory() throws -> URL {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("grpc-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    return directory
}

extension URL {
    /// Writes a file in this directory; readers see it change in one step.
    func replace(_ name: String, _ bytes: [UInt8]) throws -> String {
        let file = self.appendingPathComponent(name)
        try Data(bytes).write(to: file, options: .atomic)
        return file.path
    }
}
