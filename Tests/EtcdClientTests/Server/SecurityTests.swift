import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import EtcdClient

/// TLS and mutual TLS.
@Suite(.serialized, .enabled(if: EtcdServer.isAvailable(), "etcd is not installed"), .timeLimit(.minutes(3)))
struct SecurityTests {
    /// Makes calls, a watch and a lease.
    private func use(_ client: EtcdClient) async throws {
        var watch = client.watch(.key("k")).makeAsyncIterator()
        try await watch.connected()
        try await client.withSession { session in _ = try await client.put("k", "1", lease: session.lease.id) }
        #expect(try await watch.events(2).map(\.kind) == [.put, .delete])
    }

    private func refusal(_ server: EtcdServer, _ tls: EtcdConfig.TLS) async throws {
        try await server.withClient {
            $0.tls = tls
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
                try await server.withClient {
                    $0.tls = certificates.trusting()
                } _: {
                    try await use($0)
                }
                try await refusal(server, certificates.trusting("other"))
                try await refusal(server, EtcdConfig.TLS())
            }
        }
    }

    @Test(arguments: EtcdVersion.all)
    func theNameIsVerified(version: EtcdVersion) async throws {
        try await TestCertificates.with { certificates in
            try await version.withServer {
                $0.tls = certificates.tls("elsewhere")
            } _: { server in
                try await refusal(server, certificates.trusting())
                try await server.withClient {
                    $0.tls = certificates.trusting()
                    $0.tls.serverName = "elsewhere.example"
                } _: {
                    try await use($0)
                }
            }
        }
    }

    @Test(arguments: EtcdVersion.all)
    func clientAndServerAreVerified(version: EtcdVersion) async throws {
        try await TestCertificates.with { certificates in
            let tls = certificates.tls(requiresClientCertificate: true)
            try await version.withServer {
                $0.tls = tls
            } _: { server in
                try await server.withClient {
                    $0.tls = certificates.mutual("client")
                } _: {
                    try await use($0)
                }
                try await refusal(server, certificates.mutual("stranger"))
                try await refusal(server, certificates.trusting())
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
