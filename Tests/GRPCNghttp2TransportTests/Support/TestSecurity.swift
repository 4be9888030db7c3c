import Foundation
import ServiceKitGRPC
import ServiceKitTestSupport

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// How the two ends of a test's connection trust each other, with the certificates of the tests.
enum TestSecurity: String, CaseIterable {
    case plaintext
    case tls
    case mutualTLS

    static let basic: [TestSecurity] = [.plaintext, .tls]

    static let openssl = RunningProgram.path(of: "openssl")

    var server: Nghttp2ServerTransport.TransportSecurity {
        get async throws {
            guard self != .plaintext else { return .plaintext }
            let certificates = try await TestCertificates.shared()
            let server = certificates.server
            guard self == .mutualTLS else {
                return .tls(certificateChain: server.chain, privateKey: server.privateKey)
            }
            return .mTLS(certificateChain: server.chain, privateKey: server.privateKey) {
                $0.trustRoots = certificates.roots
            }
        }
    }

    var client: Nghttp2ClientTransport.TransportSecurity {
        get async throws {
            guard self != .plaintext else { return .plaintext }
            let certificates = try await TestCertificates.shared()
            let client = certificates.client
            guard self == .mutualTLS else { return .tls { $0.trustRoots = certificates.roots } }
            return .mTLS(certificateChain: client.chain, privateKey: client.privateKey) {
                $0.trustRoots = certificates.roots
            }
        }
    }

    /// The options that give the scripts of the tests the same security. They name files that exist until `body`
    /// returns.
    func withScriptOptions<Result>(_ body: ([String]) async throws -> Result) async throws -> Result {
        guard self != .plaintext else { return try await body([]) }
        return try await withFiles { directory in
            try await body(["--tls", directory.path] + (self == .mutualTLS ? ["--mutual"] : []))
        }
    }

    /// The options that give a channel the same security. They name files that exist until `body` returns.
    func withClientOptions<Result>(_ body: (ClientTLSOptions) async throws -> Result) async throws -> Result {
        guard self != .plaintext else { return try await body(ClientTLSOptions()) }
        return try await withFiles { directory in
            var options = ClientTLSOptions()
            options.ca = directory.path("ca.pem")
            if self == .mutualTLS {
                options.certificate = directory.path("client.pem")
                options.key = directory.path("client.key")
            }
            return try await body(options)
        }
    }

    /// Writes the certificates into a directory that exists until `body` returns.
    private func withFiles<Result>(_ body: (TemporaryDirectory) async throws -> Result) async throws -> Result {
        let certificates = try await TestCertificates.shared()
        return try await TemporaryDirectory.with { directory in
            for (name, bytes) in [
                ("ca.pem", certificates.authority),
                ("server.pem", certificates.server.certificate), ("server.key", certificates.server.key),
                ("client.pem", certificates.client.certificate), ("client.key", certificates.client.key),
            ] {
                try directory.write(bytes, to: name)
            }
            return try await body(directory)
        }
    }
}
