import Foundation
import GRPCCore
import NIOCore
import NIOPosix
import NIOSSL
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// Encrypted connections, and refused ones.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct TLSTests {
    private let certificates: TestCertificates

    init() async throws {
        certificates = try await TestCertificates.shared()
    }

    private var server: ServerSecurity {
        .tls(certificateChain: certificates.server.chain, privateKey: certificates.server.privateKey)
    }

    private func client(
        _ configure: (inout ClientTransportSecurity.TLS) -> Void = { _ in }
    ) -> ClientTransportSecurity {
        .tls { tls in
            tls.trustRoots = certificates.roots
            configure(&tls)
        }
    }

    /// The TLS of a server of another make.
    private func context(protocols: [String]) throws -> NIOSSLContext {
        let server = certificates.server
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(try NIOSSLCertificate(bytes: server.certificate, format: .pem))],
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: server.key, format: .pem))
        )
        configuration.applicationProtocols = protocols
        return try NIOSSLContext(configuration: configuration)
    }

    /// The answer of a server to one call.
    private func echo(
        _ server: ServerSecurity,
        _ client: ClientTransportSecurity,
        address: TransportAddress = .anyPort,
        authority: String? = nil
    ) async throws -> [UInt8] {
        try await withSecureServer(server, address: address) { _, address in
            try await withSecureClient(address, client, authority: authority) { try await $0.call("Echo", [1, 2, 3]) }
        }
    }

    /// The reason why there is no connection.
    private func failure(
        _ server: ServerSecurity,
        _ client: ClientTransportSecurity,
        authority: String? = nil
    ) async throws -> String {
        try await withSecureServer(server) { _, address in
            try await withSecureClient(address, client, authority: authority) { client in
                let error = try #require(await client.failure())
                #expect(error.code == .unavailable)
                #expect(error.isNotProcessed)
                #expect(error.message.contains("\(address)"))
                return error.message
            }
        }
    }

    // MARK: The server's certificate

    @Test func trustedServerIsConnected() async throws {
        #expect(try await echo(server, client()) == [1, 2, 3])
    }

    @Test func serverThatTheSystemDoesNotTrustIsRefused() async throws {
        let message = try await failure(server, .tls)
        #expect(
            message.contains(
                "TLS: the server's certificate (for DNS localhost, DNS test.example, IP 127.0.0.1, IP ::1)"))
        #expect(
            message.contains("trusted are the system's authorities; set trustRoots to the certificate of its signer"))
        #expect(message.contains("CERTIFICATE_VERIFY_FAILED"))
    }

    @Test func serverOfAnotherAuthorityIsRefused() async throws {
        let certificates = self.certificates
        let message = try await failure(server, client { $0.trustRoots = certificates.otherRoots })
        #expect(message.contains("TLS") && message.contains("CERTIFICATE_VERIFY_FAILED"))
    }

    @Test func serverWithAnotherNameIsRefusedAndNamed() async throws {
        let elsewhere = certificates.elsewhere
        let server = ServerSecurity.tls(certificateChain: elsewhere.chain, privateKey: elsewhere.privateKey)
        let message = try await failure(server, client(), authority: "test.example")
        #expect(message.contains("TLS: the server's certificate is not made out to the name \"test.example\""))
        #expect(message.contains("it is made out to DNS elsewhere.example; set serverHostname to a name that it has"))
        let byAddress = try await failure(server, client())
        #expect(byAddress.contains("is not made out to the address 127.0.0.1: it is"))
        #expect(byAddress.contains("made out to DNS elsewhere.example; set serverHostname"))
        // Two options set the name.
        #expect(try await echo(server, client(), authority: "elsewhere.example:443") == [1, 2, 3])
        #expect(try await echo(server, client { $0.serverHostname = "elsewhere.example" }) == [1, 2, 3])
        let both = client { $0.serverHostname = "elsewhere.example" }
        #expect(try await echo(server, both, authority: "test.example") == [1, 2, 3])
    }

    @Test func verificationCanBeTurnedOff() async throws {
        let elsewhere = certificates.elsewhere
        let server = ServerSecurity.tls(certificateChain: elsewhere.chain, privateKey: elsewhere.privateKey)
        let withoutName = client { $0.serverCertificateVerification = .noHostnameVerification }
        #expect(try await echo(server, withoutName) == [1, 2, 3])
        let stranger = certificates.stranger
        let untrusted = ServerSecurity.tls(certificateChain: stranger.chain, privateKey: stranger.privateKey)
        let message = try await failure(untrusted, withoutName)
        #expect(message.contains("CERTIFICATE_VERIFY_FAILED"))
        let blind = client { $0.serverCertificateVerification = .noVerification }
        #expect(try await echo(untrusted, blind) == [1, 2, 3])
    }

    @Test func schemeOfASecureCallIsHTTPS() async throws {
        let (heads, opened) = AsyncStream.makeStream(of: [String: String].self)
        let security = self.client()
        let context = try self.context(protocols: ["h2"])
        try await RawHTTP2Server.run(tls: context, onStream: { _, head in opened.yield(head?.fields ?? [:]) }) {
            server in
            try await withSecureClient(server.address, security) { client in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { _ = await client.failure() }
                    var iterator = heads.makeAsyncIterator()
                    let head = try #require(await iterator.next())
                    #expect(head[":scheme"] == "https")
                    group.cancelAll()
                }
            }
        }
    }

    // MARK: Addresses

    @Test func callsWorkOverIPv6() async throws {
        #expect(try await echo(server, client(), address: .ipv6(host: "::1", port: 0)) == [1, 2, 3])
    }

    @Test func callsWorkByName() async throws {
        let client = self.client()
        try await withSecureServer(server) { _, address in
            let named = TransportAddress.dns(host: "localhost", port: try #require(address.port))
            let answer = try await withSecureClient(named, client) { try await $0.call("Echo", [1]) }
            #expect(answer == [1])
        }
    }

    @Test func callsWorkOverAUnixDomainSocket() async throws {
        #expect(try await echo(server, client(), address: .unusedPath()) == [1, 2, 3])
    }

    // MARK: The client's certificate

    private func mutual(_ roots: TLSConfig.TrustRootsSource) -> ServerSecurity {
        .mTLS(
            certificateChain: certificates.server.chain, privateKey: certificates.server.privateKey
        ) {
            $0.trustRoots = roots
        }
    }

    private func client(_ identity: TestCertificates.Identity) -> ClientTransportSecurity {
        .mTLS(certificateChain: identity.chain, privateKey: identity.privateKey) {
            $0.trustRoots = certificates.roots
        }
    }

    /// The certificate that a handler sees.
    private static func handler(_ seen: Shared<NIOSSLCertificate?>) -> RawHandler {
        { request, context in
            let transport = try #require(context.transportSpecific as? Nghttp2ServerTransport.Context)
            seen.update { $0 = transport.peerCertificate }
            return try await RawService.echo(request, context)
        }
    }

    @Test func handlerSeesTheClientsCertificate() async throws {
        let seen = Shared<NIOSSLCertificate?>(nil)
        let client = self.client(certificates.client)
        try await withSecureServer(mutual(certificates.roots), ["Echo": Self.handler(seen)]) { _, address in
            let answer = try await withSecureClient(address, client) { try await $0.call("Echo", [1]) }
            #expect(answer == [1])
        }
        #expect(seen.value == (try NIOSSLCertificate(bytes: certificates.client.certificate, format: .pem)))
    }

    /// A server that does not ask sees no certificate, even if the client has one.
    @Test func unaskedClientSendsNoCertificate() async throws {
        let seen = Shared<NIOSSLCertificate?>(nil)
        let client = self.client(certificates.client)
        try await withSecureServer(server, ["Echo": Self.handler(seen)]) { _, address in
            let answer = try await withSecureClient(address, client) { try await $0.call("Echo", [1]) }
            #expect(answer == [1])
        }
        #expect(seen.value == nil)
    }

    @Test func clientWithoutACertificateIsRefused() async throws {
        let message = try await failure(mutual(certificates.roots), client())
        #expect(
            message.contains("TLS: the server demands a certificate of its clients (mutual TLS); set certificateChain"))
        #expect(message.contains("CERTIFICATE_REQUIRED"))
    }

    @Test func untrustedClientIsRefused() async throws {
        let server = mutual(certificates.roots)
        let message = try await failure(server, client(certificates.stranger))
        #expect(message.contains("TLS: the server does not trust this client's certificate"), "\(message)")
        // Trust is the server's: with other roots the result is reversed.
        let other = mutual(certificates.otherRoots)
        #expect(try await echo(other, client(certificates.stranger)) == [1, 2, 3])
        #expect(try await failure(other, client(certificates.client)).contains("TLS"))
    }

    // MARK: Disagreement

    @Test func plainClientOfATLSServerFails() async throws {
        try await withSecureServer(server) { _, address in
            try await withSecureClient(address, .plaintext) { client in
                let error = await client.failure()
                #expect(error?.code == .unavailable)
                #expect(error?.isNotProcessed == true)
                #expect(error?.message.contains("TLS") == true, "\(error?.message ?? "")")
            }
        }
    }

    /// The server's log lines about clients that did not get through.
    @Test func serverLogsRefusedClients() async throws {
        let clients: [(ServerSecurity, ClientTransportSecurity, String)] = [
            (self.server, .plaintext, "the client does not speak TLS, and this server does"),
            (.plaintext, self.client(), "the client speaks TLS, and this server has no certificate"),
            (self.server, .tls, "the client does not trust this server's certificate"),
            (
                mutual(certificates.roots), self.client(),
                "the client shows no certificate, and this server demands"
            ),
            (
                mutual(certificates.roots), self.client(certificates.stranger),
                "the client's certificate (for DNS localhost, DNS test.example, IP 127.0.0.1, IP ::1) is not trusted here"
            ),
        ]
        for (server, client, reason) in clients {
            let log = LogRecorder()
            try await withSecureServer(server, logger: log.logger()) { _, address in
                try await withSecureClient(address, client) { _ = await $0.failure() }
                try await eventually {
                    log.lines.contains { $0.metadata["reason"]?.contains(reason) == true }
                }
            }
        }
    }

    @Test func datesOutsideTheCertificatesValidityAreReported() throws {
        let certificate = try NIOSSLCertificate(bytes: certificates.server.certificate, format: .pem)
        func reason(_ now: Int) -> String {
            TLSFailure(expectation: TLSExpectation(), isServer: false, address: "x", certificate: certificate, now: now)
                .untrusted
        }
        #expect(reason(certificate.notValidAfter + 1).contains("has expired on 20"))
        #expect(reason(certificate.notValidAfter + 1).hasSuffix(" UTC; renew it"))
        #expect(reason(certificate.notValidBefore - 1).contains("is valid from 20"))
        #expect(reason(certificate.notValidBefore + 1).contains("is not trusted here"))
    }

    @Test func plainServerOfATLSClientIsReported() async throws {
        let message = try await failure(.plaintext, client())
        #expect(message.contains("TLS: the server does not speak TLS; connect without TLS"))
        #expect(message.contains("WRONG_VERSION_NUMBER"))
    }

    /// The types of the frames that a client with these protocols gets from a server.
    private func frames(_ security: ServerSecurity, protocols: [String]) async throws -> [UInt8] {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates([
            try NIOSSLCertificate(bytes: certificates.authority, format: .pem)
        ])
        configuration.applicationProtocols = protocols
        let context = try NIOSSLContext(configuration: configuration)
        return try await withSecureServer(security) { _, address in
            let received = try await Frames.exchange(address, Frames.preface + Frames.settings, tls: context) {
                received in
                Frames.summary(received).contains { $0.type == 4 && $0.flags == 1 }
            }
            return Frames.summary(received).map(\.type)
        }
    }

    @Test func clientWithoutALPNIsDisconnected() async throws {
        #expect(try await frames(server, protocols: []).isEmpty, "it is disconnected without a word")
        #expect(try await frames(server, protocols: ["http/1.1"]).isEmpty)
        #expect(try await frames(server, protocols: ["http/1.1", "h2"]).contains(4))
    }

    @Test func serverCanAcceptClientsWithoutALPN() async throws {
        let lenient = ServerSecurity.tls(
            certificateChain: certificates.server.chain, privateKey: certificates.server.privateKey
        ) {
            $0.requireALPN = false
        }
        #expect(try await frames(lenient, protocols: []).contains(4))
        #expect(try await frames(lenient, protocols: ["h2"]).contains(4))
    }

    @Test func serverWithoutALPNIsReported() async throws {
        let context = try self.context(protocols: [])
        let client = self.client()
        try await RawHTTP2Server.run(tls: context, onStream: { _, _ in }) { server in
            try await withSecureClient(server.address, client) { client in
                let error = await client.failure()
                #expect(error?.code == .unavailable)
                #expect(error?.message.contains("ALPN") == true)
            }
        }
    }

    // MARK: Calls

    @Test func largeMessagesTravelOverTLS() async throws {
        let message = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 >> 4) }
        let client = self.client()
        try await withSecureServer(server, ["Echo": RawService.echoEach]) { _, address in
            try await withSecureClient(address, client) { client in
                let sizes = try await client.stream("Echo") { writer in
                    for _ in 0..<3 { try await writer.write(message) }
                } response: { response in
                    try await response.messages.reduce(into: [Bool]()) { $0.append($1 == message) }
                }
                #expect(sizes == [true, true, true])
            }
        }
    }

    @Test func concurrentTLSCallsEndWithoutWarnings() async throws {
        let client = self.client()
        let log = LogRecorder()
        try await withSecureServer(server, logger: log.logger()) { _, address in
            try await withSecureClient(address, client, logger: log.logger()) { client in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for index in 0..<300 {
                        group.addTask {
                            let answer = try await client.call("Echo", [UInt8(index % 256)])
                            #expect(answer == [UInt8(index % 256)])
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }
        #expect(log.warnings.isEmpty)
    }
}
