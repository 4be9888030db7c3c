import Foundation
import Testing

@testable import GRPCNghttp2Transport

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
    /// The one that follows it.
    var renewed: Identity
    /// A server's, for `elsewhere.example` only.
    var elsewhere: Identity
    var client: Identity
    /// A client's and a server's that nobody trusts.
    var stranger: Identity

    var roots: TLSConfig.TrustRootsSource { .certificates([.bytes(self.authority, format: .pem)]) }
    var otherRoots: TLSConfig.TrustRootsSource { .certificates([.bytes(self.otherAuthority, format: .pem)]) }

    private static let made = Result { try TestCertificates.make() }

    /// The same for all tests.
    static func shared() throws -> TestCertificates {
        try self.made.get()
    }

    // MARK: Making them

    struct OpenSSLError: Error {
        var arguments: [String]
        var status: Int32
        var output: String
    }

    private static let names = "DNS:localhost,DNS:test.example,IP:127.0.0.1,IP:::1"

    private static func make() throws -> TestCertificates {
        try withTemporaryDirectory { directory in
            let maker = Maker(directory: directory)
            try maker.authority("authority")
            try maker.authority("other")
            return TestCertificates(
                authority: try maker.read("authority.pem"),
                authorityDER: try maker.der("authority.pem"),
                otherAuthority: try maker.read("other.pem"),
                server: try maker.identity("server", names: Self.names),
                renewed: try maker.identity("renewed", names: Self.names),
                elsewhere: try maker.identity("elsewhere", names: "DNS:elsewhere.example"),
                client: try maker.identity("client", names: "DNS:client.example"),
                stranger: try maker.identity("stranger", names: Self.names, signedBy: "other")
            )
        }
    }

    private struct Maker {
        let directory: URL
        private static let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]

        func authority(_ name: String) throws {
            let request = ["req", "-x509", "-days", "2", "-subj", "/CN=\(name)"] + Self.key
            try self.run(request + ["-keyout", "\(name).key", "-out", "\(name).pem"])
        }

        func identity(_ name: String, names: String, signedBy authority: String = "authority") throws -> Identity {
            let request = ["req", "-subj", "/CN=\(name)"] + Self.key
            try self.run(request + ["-keyout", "\(name).key", "-out", "\(name).csr"])
            try Data("subjectAltName=\(names)\n".utf8).write(to: self.directory.appendingPathComponent("\(name).ext"))
            try self.run([
                "x509", "-req", "-days", "2", "-in", "\(name).csr", "-CA", "\(authority).pem", "-CAkey",
                "\(authority).key", "-CAcreateserial", "-extfile", "\(name).ext", "-out", "\(name).pem",
            ])
            try self.run(["pkey", "-in", "\(name).key", "-outform", "der", "-out", "\(name).key.der"])
            return Identity(
                certificate: try self.read("\(name).pem"),
                key: try self.read("\(name).key"),
                certificateDER: try self.der("\(name).pem"),
                keyDER: try self.read("\(name).key.der")
            )
        }

        func der(_ certificate: String) throws -> [UInt8] {
            try self.run(["x509", "-in", certificate, "-outform", "der", "-out", "\(certificate).der"])
            return try self.read("\(certificate).der")
        }

        func read(_ file: String) throws -> [UInt8] {
            Array(try Data(contentsOf: self.directory.appendingPathComponent(file)))
        }

        private func run(_ arguments: [String]) throws {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = ["openssl"] + arguments
            process.currentDirectoryURL = self.directory
            let output = Pipe()
            process.standardOutput = output
            process.standardError = output
            try process.run()
            let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            guard process.terminationStatus == 0 else {
                throw OpenSSLError(arguments: arguments, status: process.terminationStatus, output: text)
            }
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
    /// Writes a file in this directory, in one step as far as its readers can tell.
    func replace(_ name: String, _ bytes: [UInt8]) throws -> String {
        let file = self.appendingPathComponent(name)
        try Data(bytes).write(to: file, options: .atomic)
        return file.path
    }
}
