import GRPCNghttp2Transport
import ServiceKitTesting
import Testing

@testable import EtcdClient

/// TLS and mutual TLS.
@Suite(.serialized, .enabled(if: EtcdServer.isAvailable(), "etcd is not installed"), .timeLimit(.minutes(3)))
struct SecurityTests {
    /// Calls, a watch and a lease.
    private func use(_ client: EtcdClient) async throws {
        var watch = client.watch(.key("k")).makeAsyncIterator()
        try await watch.connected()
        try await client.withSession { session in _ = try await client.put("k", "1", lease: session.lease.id) }
        #expect(try await watch.events(2).map(\.kind) == [.put, .delete])
    }

    private func refusal(_ server: EtcdServer, _ security: Nghttp2ClientTransport.TransportSecurity) async throws {
        try await server.withClient {
            $0.transportSecurity = security
            $0.requestTimeout = .seconds(8)
        } _: { client in
            let failure = await expectFailure { _ = try await client.get("k") }
            #expect(failure?.code == .unavailable)
            #expect(failure?.message.contains(server.endpoints[0]) == true)
        }
    }

    @Test(arguments: EtcdVersion.all)
    func theServerIsVerified(version: EtcdVersion) async throws {
        try await TestCertificates.with { certificates in
            try await version.withServer {
                $0.tls = certificates.tls()
            } _: { server in
                #expect(server.endpoints[0].hasPrefix("https://"))
                let trusting = Nghttp2ClientTransport.TransportSecurity.tls { $0.trustRoots = certificates.roots() }
                try await server.withClient {
                    $0.transportSecurity = trusting
                } _: {
                    try await use($0)
                }
                try await refusal(server, .tls { $0.trustRoots = certificates.roots("other") })
                try await refusal(server, .tls)
            }
        }
    }

    @Test(arguments: EtcdVersion.all)
    func theNameIsVerified(version: EtcdVersion) async throws {
        try await TestCertificates.with { certificates in
            try await version.withServer {
                $0.tls = certificates.tls("elsewhere")
            } _: { server in
                try await refusal(server, .tls { $0.trustRoots = certificates.roots() })
                let named = Nghttp2ClientTransport.TransportSecurity.tls {
                    $0.trustRoots = certificates.roots()
                    $0.serverHostname = "elsewhere.example"
                }
                try await server.withClient {
                    $0.transportSecurity = named
                } _: {
                    try await use($0)
                }
            }
        }
    }

    @Test(arguments: EtcdVersion.all)
    func eachIsVerified(version: EtcdVersion) async throws {
        try await TestCertificates.with { certificates in
            let tls = certificates.tls(requiresClientCertificate: true)
            try await version.withServer {
                $0.tls = tls
            } _: { server in
                try await server.withClient {
                    $0.transportSecurity = certificates.mutual("client")
                } _: {
                    try await use($0)
                }
                try await refusal(server, certificates.mutual("stranger"))
                try await refusal(server, .tls { $0.trustRoots = certificates.roots() })
            }
        }
    }

    @Test(arguments: EtcdVersion.all)
    func plainTextIsNotTLS(version: EtcdVersion) async throws {
        try await TestCertificates.with { certificates in
            try await version.withServer {
                $0.tls = certificates.tls()
            } _: { server in
                var config = try EtcdConfig(endpoints: server.endpoints.map { $0.replacing("https", with: "http") })
                config.requestTimeout = .seconds(8)
                try await EtcdClient.withClient(config, logger: .silent) { client in
                    _ = await expectFailure(.unavailable) { _ = try await client.get("k") }
                }
            }
        }
    }
}
